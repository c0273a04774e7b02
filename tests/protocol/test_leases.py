"""The protocol with replicas, in every order in which steps, network, clock and take-overs can come."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields

import pytest

from tests.protocol.leases import (
    Rules,
    Search,
    alone,
    is_done,
    lease_of,
    search,
    shared_steps,
    steps,
    together,
)

_PARTNERS = 5  # other states of a second model that each state of a model is looked at with


@pytest.fixture(scope="module")
def found() -> Search:
    """Everything that three replicas can do to one model."""
    return search(Rules(), pairs=1, replicas=3)


def test_no_interleaving_of_three_replicas_registers_a_pair_twice_or_stops_for_ever(found: Search) -> None:
    """Whatever is killed, stopped, lost, late or taken over: one model a pair, and always a way on."""
    assert found.duplicate is None
    assert len(found.follows) > 1000
    assert not found.stuck()


def test_what_happens_to_one_model_is_what_would_happen_to_it_alone(found: Search) -> None:
    """Two models meet in the lease only, so that what holds of one holds of any number.

    In company, a model can take each step that it can take alone, and no other: steps of another model leave
    it as it is. And a model that is registered stays so, whatever happens to lease and replicas meanwhile.
    """
    rules, by_lease = Rules(), defaultdict(list)
    for world in found.follows:
        by_lease[lease_of(world)].append(world)
    for worlds in by_lease.values():
        for place, one in enumerate(worlds):
            mine = {one, *steps(one, rules)}
            for distance in range(_PARTNERS):
                other = worlds[(place + distance * (len(worlds) // _PARTNERS + 1)) % len(worlds)]
                for number, both in enumerate((together((one, other)), together((other, one)))):
                    assert {alone(next_, number) for next_ in steps(both, rules)} | {one} == mine
            if is_done(one):
                assert all(map(is_done, shared_steps(one, rules)))


@pytest.mark.parametrize("left_out", [field.name for field in fields(Rules)])
def test_each_check_and_each_assumption_is_needed(left_out: str) -> None:
    """Without any one of them some interleaving registers a pair twice, and the search shows it."""
    found = search(Rules(**{left_out: False}), pairs=1, replicas=2)

    assert found.duplicate is not None
    assert len(found.duplicate.pairs[0].rows) == 2
