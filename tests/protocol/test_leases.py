"""The protocol with replicas, in every order in which steps, network, clock and take-overs can come."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NoReturn

import pytest

from tests.protocol.leases import (
    Rules,
    Search,
    World,
    alone,
    in_order,
    is_done,
    renumbered,
    search,
    shared_steps,
    steps,
    steps_of,
    together,
)

pytestmark = pytest.mark.long

_SWAPS = ((1, 0, 2), (0, 2, 1))  # every order of three is made of these


@dataclass(frozen=True, slots=True, eq=False)
class _Unseen:
    """A pair or a task whose state nobody may look at: it knows only what was done to it."""

    happened: tuple[object, ...] = ()

    def a_unit_later(self, *_: Rules) -> _Unseen:
        return _Unseen((*self.happened, "a unit later"))

    def superseded(self) -> _Unseen:
        return _Unseen((*self.happened, "superseded"))

    def without(self, replica: int) -> _Unseen:
        return _Unseen((*self.happened, "without", replica))

    def _refused(self, *_: object) -> NoReturn:
        raise AssertionError("a step of one model looked at another")

    __bool__ = __eq__ = __hash__ = _refused  # not even compared


def _unseen(world: World) -> World:
    """Another model beside one in this world."""
    tasks = tuple(None if some is None else (_Unseen(),) for some in world.tasks)
    return World((_Unseen(),), tasks, world.holder, world.term)  # type: ignore[arg-type]


def _happened(world: World) -> list[object]:
    """Lease, replicas, and what was done to everything else."""
    parts = (*world.pairs, *((some if some is None else some[0]) for some in world.tasks))
    return [
        world.holder,
        world.term,
        *(part.happened if isinstance(part, _Unseen) else part for part in parts),
    ]


@pytest.fixture(scope="module")
def outcome() -> Search:
    """Everything that three replicas can do to one model."""
    return search(Rules(), pairs=1, replicas=3)


def test_no_interleaving_of_three_replicas_registers_a_pair_twice_or_stops_for_ever(outcome: Search) -> None:
    """Whatever is killed, stopped, lost, late or taken over: one model a pair, and always a way on."""
    assert outcome.duplicate is None
    assert len(outcome.follows) > 1000
    assert not outcome.stuck()


def test_replicas_are_alike(outcome: Search) -> None:
    """Whichever of them is which, the same can follow: each state stands for all that differ only in that."""
    rules = Rules()
    for world, following in outcome.follows.items():
        for order in _SWAPS:
            assert {in_order(one) for one in steps(renumbered(world, order), rules)} == following


def test_what_happens_to_one_model_is_what_would_happen_to_it_alone(outcome: Search) -> None:
    """Models meet in lease and replicas only, so that what holds of one holds of any number.

    Beside each state of a model stands another model whose state cannot be looked at: the steps of the first
    are those that it has alone, and leave the other as it is; a step of lease and replicas does to each of
    them what it does to it alone. So it is beside every state of the other.
    """
    rules = Rules()
    for world in outcome.follows:
        other = _unseen(world)
        for number, both in enumerate((together((world, other)), together((other, world)))):
            for mine, theirs, of_both in zip(
                shared_steps(world, rules),
                shared_steps(other, rules),
                shared_steps(both, rules),
                strict=True,
            ):
                assert alone(of_both, number) == mine
                assert _happened(alone(of_both, 1 - number)) == _happened(theirs)
            own = zip(steps_of(world, 0, rules), steps_of(both, number, rules), strict=True)
            for mine, of_both in own:
                assert alone(of_both, number) == mine
                assert _happened(alone(of_both, 1 - number)) == _happened(other)


def test_a_model_that_is_registered_stays_so_whatever_becomes_of_lease_and_replicas(outcome: Search) -> None:
    """While another is on its way; so that from everywhere a way leads to all of them registered."""
    rules = Rules()
    for world in filter(is_done, outcome.follows):
        assert all(map(is_done, shared_steps(world, rules)))


@pytest.mark.parametrize("left_out", [field.name for field in fields(Rules)])
def test_each_check_and_each_assumption_is_needed(left_out: str) -> None:
    """Without any one of them some interleaving registers a pair twice, and the search shows it."""
    outcome = search(Rules(**{left_out: False}), pairs=1, replicas=2)

    assert outcome.duplicate is not None
    assert len(outcome.duplicate.pairs[0].rows) == 2
