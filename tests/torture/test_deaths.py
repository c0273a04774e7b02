"""Whatever dies, and whenever: one import a pair, nothing lost, and nobody's help.

The usual run tries a third of the named points, some of each family, and a third of the random trials;
`make thorough` tries all.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.effort import cases
from tests.torture.life import doom, located
from tests.torture.lives import executed, nursery
from tests.torture.mutation import intent_after_the_call
from tests.torture.points import FAMILIES, POINTS, Point, Within
from tests.torture.scene import HIDDEN
from tests.torture.trial import all_at_points, all_at_random, at_point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.torture.lives import Start


@pytest.fixture(scope="session")
def start() -> Iterator[Start]:
    """Lives of the program as it is."""
    with nursery() as started:
        yield started


@pytest.mark.parametrize("family", FAMILIES)
def test_killed_at_each_named_point_it_recovers_with_one_import_a_pair(family: str, start: Start) -> None:
    """Before and after each step that something outlives; several pairs are in flight."""
    points = [point.name for point in cases(list(POINTS.values())) if point.family == family]
    assert points
    outcomes = list(all_at_points(points, start))
    assert [outcome.name for outcome in outcomes] == points
    assert {outcome.name: outcome.violations for outcome in outcomes if outcome.violations} == {}
    assert [outcome.duplicates for outcome in outcomes] == [0] * len(points)


def test_killed_at_any_moment_it_recovers_with_one_import_a_pair(start: Start) -> None:
    """Once or twice in a row, the registry too, while applying or running, under faults."""
    seeds = cases(range(14))
    outcomes = list(all_at_random(seeds, start, most=2))
    assert len(outcomes) == len(seeds)
    assert {outcome.name: outcome.violations for outcome in outcomes if outcome.violations} == {}


def test_a_new_interpreter_recovers_as_well_as_a_forked_one() -> None:
    """`python -m reconciler`, nothing imported before."""
    outcome = at_point(POINTS["receive/arrived"], executed)
    assert (outcome.violations, outcome.duplicates, outcome.kills) == ((), 0, 1)


def test_an_intent_that_is_written_after_the_call_is_caught(tmp_path: Path) -> None:
    """The mutation: a model of unknown origin, and then a second one of the same name and version."""
    with nursery(intent_after_the_call(tmp_path)) as mutant:
        outcome = at_point(POINTS["receive/arrived"], mutant, visible_after=HIDDEN)
    assert outcome.duplicates > 0
    assert any("no intent was on disk" in violation for violation in outcome.violations)
    assert any("was registered twice" in violation for violation in outcome.violations)


def test_the_program_as_it_is_passes_where_the_mutation_is_caught(start: Start) -> None:
    """The same death under the same late list."""
    assert at_point(POINTS["receive/arrived"], start, visible_after=HIDDEN).violations == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_each_named_point_is_there(family: str) -> None:
    """Also those that only `make thorough` dies at: their functions, and the variables that they ask for."""
    for point in POINTS.values():
        if point.family == family:
            assert located(point)


def test_a_point_that_the_program_no_longer_has_is_an_error() -> None:
    """A renamed function or variable must not make a test pass by never dying, or wait for it in vain."""
    with pytest.raises(LookupError, match="there is no gone"):
        doom(Point("x/y", "reconciler.state.lock:FileLock.gone", "call"))
    elsewhere = Within("reconciler.engine.remember:remember", {"gone.scope": "None"})
    with pytest.raises(LookupError, match="there is no variable gone"):
        doom(Point("x/y", "reconciler.state.lock:FileLock.release", "call", (elsewhere,)))
    assert sys.getprofile() is None
