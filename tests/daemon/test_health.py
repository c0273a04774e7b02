"""What the probes say: alive is a loop whose ticks end, ready is one that succeeded not long ago."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.daemon.cycle_job import Outcome, Tick
from reconciler.daemon.supervisor import Health

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def tick(outcome: Outcome = "success", error: str | None = None) -> Tick:
    """A tick that has ended."""
    return Tick("test", outcome, 0.1, NOON, error=error)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    """Three intervals of thirty seconds, and calls of ten."""
    return Health(lambda: 90.0, 10.0, clock)


def test_it_is_ready_from_the_first_success_until_three_intervals_after_the_last(
    health: Health, clock: Clock
) -> None:
    """A failed tick leaves it ready for so long, and then it says of what it failed."""
    assert health.not_ready() == "no cycle has succeeded yet"
    health.end(tick("error", "target prod: no route"))
    assert health.not_ready() == "no cycle has succeeded yet: target prod: no route"
    health.end(tick())
    assert health.not_ready() is None
    clock.now += 80
    health.end(tick("error", "target prod: no route"))
    assert health.not_ready() is None
    clock.now += 11
    assert health.not_ready() == "the last success was 91 s ago: target prod: no route"
    health.end(tick("noop"))
    assert health.not_ready() is None


def test_it_is_not_ready_while_the_state_is_away(health: Health) -> None:
    """However fresh the last success is."""
    health.end(tick())
    health.state_problem = "state x was cut off"
    assert health.not_ready() == "the state is away: state x was cut off"


def test_it_is_alive_while_ticks_end_whether_well_or_not(health: Health, clock: Clock) -> None:
    """Restarting it would not bring a registry back."""
    for _ in range(10):
        clock.now += 95
        health.end(tick("error", "no route"))
        assert health.not_alive() is None
    clock.now += 101
    assert health.not_alive() == "no tick has ended for 101 s"


def test_a_tick_that_goes_on_is_alive_and_one_that_stands_still_is_not(health: Health, clock: Clock) -> None:
    """A thousand imports take long; each answer is a step."""
    health.begin()
    for _ in range(10):
        clock.now += 95
        health.step()
        assert health.not_alive() is None
    clock.now += 101
    assert health.not_alive() == "a tick has stood still for 101 s"
    assert health.overdue() == 1


def test_with_a_seldom_schedule_a_tick_that_stands_still_is_known_within_a_quarter_of_an_hour(
    clock: Clock,
) -> None:
    """Between ticks it may be silent for days."""
    health = Health(lambda: 3 * 86_400.0, 10.0, clock)
    health.end(tick())
    clock.now += 86_400
    assert health.not_alive() is None
    health.begin()
    clock.now += 911
    assert health.not_alive() == "a tick has stood still for 911 s"
