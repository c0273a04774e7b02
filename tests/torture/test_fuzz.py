"""A sample of the hostile cases that `make torture` runs by the hundred thousand."""

from __future__ import annotations

import pytest

from tests.effort import examples
from tests.torture.fuzz import ROOMS, assault

CASES = {
    "manifests": examples(1200),
    "answers": examples(900),
    "configurations": examples(400),
    "trees": examples(45),
}


@pytest.mark.parametrize("room", ROOMS)
def test_hostile_input_breaks_no_promise(room: str) -> None:
    """No crash, hang, traceback, growth, acting character, secret or program: always an answer."""
    tally = assault(room, CASES[room])
    assert not tally.breaches, "\n".join(tally.breaches)
    assert tally.cases == CASES[room]


def test_a_case_can_be_done_again() -> None:
    """The same number gives the same case."""
    first, second = (assault("configurations", 20, seed=3, first=5) for _ in range(2))
    assert first.refused == second.refused
    assert first.breaches == second.breaches == []
