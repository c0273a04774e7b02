"""The protocol with replicas, in every order in which steps, network, clock and take-overs can come."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.protocol.leases import Rules, search


def test_no_interleaving_of_three_replicas_registers_a_pair_twice_or_stops_for_ever() -> None:
    """Whatever is killed, stopped, lost, late or taken over: one model a pair, and always a way on."""
    found = search(Rules(), pairs=1, replicas=3)

    assert found.duplicate is None
    assert len(found.follows) > 1000
    assert not found.stuck()


@pytest.mark.parametrize("left_out", [field.name for field in fields(Rules)])
def test_each_check_and_each_assumption_is_needed(left_out: str) -> None:
    """Without any one of them some interleaving registers a pair twice, and the search shows it."""
    found = search(Rules(**{left_out: False}), pairs=1, replicas=2)

    assert found.duplicate is not None
    assert len(found.duplicate.pairs[0].rows) == 2
