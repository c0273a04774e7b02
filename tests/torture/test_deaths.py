"""Whatever dies, and whenever: one import a pair, nothing lost, and nobody's help.

The usual run tries one named point of each family, not the same one in all of them, and a third of the
random trials; `make thorough` tries all.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.effort import THOROUGH, cases
from tests.torture.life import doom, located
from tests.torture.lives import executed, forked, mutated
from tests.torture.mutation import intent_after_the_call
from tests.torture.points import FAMILIES, POINTS, Point, Within
from tests.torture.scene import HIDDEN, PATIENCE
from tests.torture.trial import all_at_points, all_at_random, at_point

if TYPE_CHECKING:
    from pathlib import Path

    from tests.torture.trial import Outcome

pytestmark = pytest.mark.long
_TODAY = datetime.now(UTC).toordinal()


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> dict[str, Outcome]:
    """Of all points that are tried, whose families were asked for; several are under way at a time."""
    asked = {
        item.callspec.params.get("family") for item in request.session.items if hasattr(item, "callspec")
    }
    points = [name for family in FAMILIES if family in asked for name in _tried(family)]
    return {outcome.name: outcome for outcome in all_at_points(points, forked)}


def _tried(family: str) -> list[str]:
    """Points of a family. In the usual run one, at another place in each family, and each day."""
    names = [point.name for point in POINTS.values() if point.family == family]
    return names if THOROUGH else [names[(FAMILIES.index(family) + _TODAY) % len(names)]]


@pytest.mark.parametrize("family", FAMILIES)
def test_killed_at_each_named_point_it_recovers_with_one_import_a_pair(
    family: str, outcomes: dict[str, Outcome]
) -> None:
    """Before and after each step that something outlives; several pairs are in flight."""
    mine = [outcome for outcome in outcomes.values() if POINTS[outcome.name].family == family]
    assert [outcome.name for outcome in mine] == _tried(family) != []
    assert {outcome.name: outcome.violations for outcome in mine if outcome.violations} == {}
    assert [outcome.duplicates for outcome in mine] == [0] * len(mine)


def test_killed_at_any_moment_it_recovers_with_one_import_a_pair() -> None:
    """Once or twice in a row, the registry too, while applying or running, under faults."""
    seeds = cases(range(14))
    outcomes = list(all_at_random(seeds, forked, most=2))
    assert len(outcomes) == len(seeds)
    assert {outcome.name: outcome.violations for outcome in outcomes if outcome.violations} == {}


def test_a_new_interpreter_recovers_as_well_as_a_forked_one() -> None:
    """`python -m reconciler`, nothing imported before."""
    outcome = at_point(POINTS["receive/arrived"], executed)
    assert (outcome.violations, outcome.duplicates, outcome.kills) == ((), 0, 1)


def test_an_intent_that_is_written_after_the_call_is_caught(tmp_path: Path) -> None:
    """The mutation: a model of unknown origin, and then a second one of the same name and version.

    However late the next life begins, on a machine that is busy, the list does not show the first yet.
    """
    with mutated(intent_after_the_call(tmp_path)) as mutant:
        outcome = at_point(POINTS["receive/arrived"], mutant, visible_after=PATIENCE)
    assert outcome.duplicates > 0
    assert any("no intent was on disk" in violation for violation in outcome.violations)
    assert any("was registered twice" in violation for violation in outcome.violations)


def test_the_program_as_it_is_passes_where_the_mutation_is_caught() -> None:
    """The same death under a late list, which shows the model before its call is given up."""
    assert at_point(POINTS["receive/arrived"], forked, visible_after=HIDDEN).violations == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_each_named_point_is_there(family: str) -> None:
    """Also those that only `make thorough` dies at: their functions, and the variables that they ask for."""
    for point in POINTS.values():
        if point.family == family:
            assert located(point)


def test_a_point_that_the_program_no_longer_has_is_an_error() -> None:
    """A renamed function or variable must not make a test pass by never dying, or wait for it in vain."""
    with pytest.raises(LookupError, match="there is no gone"):
        doom(Point("x/y", "reconciler.state.sqlite_file:FileLock.gone", "call"))
    elsewhere = Within("reconciler.engine.remember:remember", {"gone.scope": "None"})
    with pytest.raises(LookupError, match="there is no variable gone"):
        doom(Point("x/y", "reconciler.state.sqlite_file:FileLock.release", "call", (elsewhere,)))
    assert sys.getprofile() is None
