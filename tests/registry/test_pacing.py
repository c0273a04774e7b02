"""Requests are spread over time, and pauses have jitter, a ceiling and a floor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.registry.pacing import TokenBucket, pause


@given(
    rate=st.floats(0.5, 100),
    burst=st.integers(1, 20),
    steps=st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_no_stretch_of_time_sees_more_starts_than_rate_and_burst_allow(
    rate: float, burst: int, steps: list[float]
) -> None:
    """Between any two starts lie at most `burst + rate * seconds` of them."""
    now = [0.0]
    bucket = TokenBucket(rate, burst, lambda: now[0])
    starts = []
    for step in steps:
        now[0] += step
        starts.append(now[0] + bucket.reserve())
    assert starts == sorted(starts)
    for first, early in enumerate(starts):
        for last, late in enumerate(starts[first:], first):
            assert last - first + 1 <= burst + rate * (late - early) + 1e-6


def test_a_quiet_bucket_lets_a_burst_through_at_once_and_then_spreads() -> None:
    """Three at once, then one every tenth of a second."""
    bucket = TokenBucket(10, 3, lambda: 5.0)
    assert [bucket.reserve() for _ in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_a_closed_bucket_starts_nothing_until_it_opens() -> None:
    """As a server asked; a shorter wish later does not open it earlier."""
    now = [0.0]
    bucket = TokenBucket(10, 3, lambda: now[0])
    bucket.close_for(5)
    bucket.close_for(1)
    now[0] = 2
    assert bucket.closed_for() == bucket.reserve() == 3
    now[0] = 6
    assert bucket.closed_for() == bucket.reserve() == 0


@given(
    attempt=st.integers(1, 2000),
    asked=st.none() | st.floats(0, 1000),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_a_pause_is_never_shorter_than_asked_nor_longer_than_allowed(
    attempt: int, asked: float | None, chance: float
) -> None:
    """Full jitter below the ceiling; Retry-After is a floor, with a little jitter above it."""
    seconds = pause(min(attempt, 1000), first=0.5, longest=10, asked=asked, chance=chance)
    if asked is None:
        assert 0 <= seconds <= 10
    else:
        assert asked <= seconds <= asked + 0.5
