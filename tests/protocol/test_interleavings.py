"""The protocol of one import, in every order in which its steps, the network and the clock can come."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.protocol.model import Rules, search


@pytest.mark.parametrize(("pairs", "processes"), [(1, 2), (2, 1)])
def test_no_interleaving_registers_a_pair_twice_or_stops_for_ever(pairs: int, processes: int) -> None:
    """Whatever is killed, stopped, lost or late: one model a pair, and a way on from everywhere."""
    outcome = search(Rules(), pairs, processes)

    assert not outcome.duplicate
    assert len(outcome.follows) > 100
    assert not outcome.stuck()


@pytest.mark.parametrize("left_out", [field.name for field in fields(Rules)])
def test_each_check_and_each_assumption_is_needed(left_out: str) -> None:
    """Without any one of them some interleaving registers a pair twice, and the search shows it."""
    outcome = search(Rules(**{left_out: False}), pairs=1, processes=2)

    assert outcome.duplicate
    assert len(outcome.duplicate[-1].pairs[0].rows) == 2
