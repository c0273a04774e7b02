"""The waits between attempts grow to a longest one, and chance takes its share of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.backoff import EQUAL_JITTER, FULL_JITTER, Backoff

_attempts = st.integers(0, 5000)
_chances = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("waits", "seconds"),
    [
        (Backoff(5.0, 30.0), [5.0, 10.0, 20.0, 30.0, 30.0]),
        (Backoff(4.0, 15.0, factor=1.5), [4.0, 6.0, 9.0, 13.5, 15.0]),
        (Backoff(50.0, 30.0), [30.0, 30.0, 30.0, 30.0, 30.0]),
    ],
)
def test_without_jitter_waits_are_the_same_each_time(waits: Backoff, seconds: list[float]) -> None:
    assert [waits.seconds(attempt) for attempt in range(1, 6)] == seconds


@given(attempt=_attempts, chance=_chances)
def test_full_jitter_leaves_all_of_a_wait_to_chance_and_equal_jitter_its_second_half(
    attempt: int, chance: float
) -> None:
    whole = Backoff(0.5, 900.0).seconds(attempt)
    assert Backoff(0.5, 900.0, jitter=FULL_JITTER).seconds(attempt, chance) == whole * chance
    assert Backoff(0.5, 900.0, jitter=EQUAL_JITTER).seconds(attempt, chance) == whole * (0.5 + 0.5 * chance)
    assert 0.5 <= whole <= 900.0
