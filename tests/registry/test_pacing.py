"""Requests are spread over time, and pauses have jitter, a ceiling and a floor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.registry.limits import TokenBucket, pause


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
    bucket = TokenBucket(rate, burst, rate, lambda: now[0])
    starts = []
    for step in steps:
        now[0] += step
        starts.append(now[0] + bucket.reserve(write=True))
    assert starts == sorted(starts)
    for first, early in enumerate(starts):
        for last, late in enumerate(starts[first:], first):
            assert last - first + 1 <= burst + rate * (late - early) + 1e-6


def test_a_quiet_bucket_lets_a_burst_through_at_once_and_then_spreads() -> None:
    """Three at once, then one every tenth of a second."""
    bucket = TokenBucket(10, 3, 10, lambda: 5.0)
    assert [bucket.reserve(write=True) for _ in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_a_closed_bucket_starts_nothing_until_it_opens() -> None:
    """As a server asked; a shorter wish later does not open it earlier."""
    now = [0.0]
    bucket = TokenBucket(10, 3, 10, lambda: now[0])
    bucket.close_for(5)
    bucket.close_for(1)
    now[0] = 2
    assert bucket.closed_for() == bucket.reserve(write=True) == 3
    now[0] = 6
    assert bucket.closed_for() == bucket.reserve(write=True) == 0


def test_ten_thousand_reads_wait_half_a_minute_and_as_many_writes_eight_minutes() -> None:
    """With the rates that a target has by default; both take from one bucket."""
    now = [0.0]

    def waited(*, write: bool, count: int) -> float:
        pace = TokenBucket(20.0, 20, 400.0, lambda: now[0])
        began = now[0]
        for _ in range(count):
            now[0] += pace.reserve(write=write)
        return now[0] - began

    assert waited(write=False, count=10_001) == pytest.approx(24, abs=0.1)
    assert waited(write=True, count=10_001) == pytest.approx(499, abs=0.1)
    pace = TokenBucket(20.0, 20, 400.0, lambda: now[0])
    for _ in range(400):
        pace.reserve(write=False)
    assert pace.reserve(write=True) == pytest.approx(0.05)


def test_an_answer_that_asks_for_patience_halves_reads_down_to_the_rate_of_writes() -> None:
    """Once for all calls that were under way together; what was saved up is gone; a minute heals it."""
    now = [10.0]
    pace = TokenBucket(20.0, 20, 400.0, lambda: now[0])
    now[0] = 11
    for _ in range(8):
        pace.slow_down(started=10.5)
    assert pace.read_rate == 200
    assert [pace.reserve(write=False) for _ in range(3)] == pytest.approx([0, 1 / 200, 2 / 200])
    for _ in range(8):
        pace.slow_down(started=now[0])
    assert pace.read_rate == 20
    now[0] += 30
    assert pace.read_rate == pytest.approx(220)
    now[0] += 60
    assert pace.read_rate == 400


def test_reads_are_never_rarer_than_writes() -> None:
    """A `rate` above `read_rate` counts for both."""
    now = [0.0]
    pace = TokenBucket(1000.0, 1, 400.0, lambda: now[0])
    pace.slow_down(started=0.0)
    assert pace.read_rate == 1000


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
