"""What makes a tick happen of itself: the schedule and signals. Each only asks; none ticks by itself.

APScheduler counts weekdays from Monday and wants both the day of the month and the weekday to fit where both
are given; crontab(5) counts from Sunday and takes either. So cronsim, which follows Debian's cron, says when
a crontab line fires. APScheduler also goes through all firings that were missed, one by one: a clock that
is set from 1970 to today would stop the loop for minutes. So both triggers count from now, and whatever was
missed is one firing.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim
from tzlocal import get_localzone

from reconciler.log import log
from reconciler.settings.types import in_numbers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from apscheduler.job import Job

    from reconciler.settings import ScheduleSettings


_CLOCK_SECONDS = 5.0  # between two looks at whether the wall clock was set
_SET_BY = 1.0  # seconds between wall clock and monotonic clock that no correction of a running clock explains
_INSTANT = timedelta(microseconds=1)


class CronSchedule(BaseTrigger):  # type: ignore[misc]
    """Fires when a crontab line says so, by the machine's own clock unless another zone is given.

    Each firing is delayed at random by so many seconds of `jitter` at most.
    """

    def __init__(self, line: str, *, jitter: float = 0.0, timezone: tzinfo | None = None) -> None:
        self.line, self.jitter, self.timezone = in_numbers(line), jitter, timezone or get_localzone()

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first moment from now on, and after a firing that is now; None when there is none."""
        after = now if previous_fire_time == now else now - _INSTANT
        moment = next(CronSim(self.line, after.astimezone(self.timezone)), None)
        return self._apply_jitter(moment, self.jitter, now) if moment and self.jitter else moment


class IntervalSchedule(BaseTrigger):  # type: ignore[misc]
    """Fires so long after the last firing, and up to `jitter` seconds later."""

    def __init__(self, every: timedelta, *, jitter: float = 0.0) -> None:
        self.every, self.jitter = every, jitter

    def get_next_fire_time(
        self,
        previous_fire_time: datetime | None,  # noqa: ARG002 - APScheduler gives it
        now: datetime,
    ) -> datetime | None:
        """The moment after one interval from now."""
        moment = now + self.every
        return self._apply_jitter(moment, self.jitter, now) if self.jitter else moment


def trigger_of(schedule: ScheduleSettings) -> BaseTrigger:
    """When the schedule asks, as APScheduler's trigger."""
    jitter = schedule.jitter.total_seconds()
    if schedule.cron:
        return CronSchedule(schedule.cron, jitter=jitter)
    return IntervalSchedule(schedule.every, jitter=jitter)


def seconds_until(schedule: ScheduleSettings, intervals: int, now: datetime) -> float:
    """Seconds from now until the schedule has asked that many times, by a clock that nobody sets."""
    waited = schedule.every.total_seconds() * intervals
    if schedule.cron:
        trigger, moment = CronSchedule(schedule.cron), now
        for _ in range(intervals):
            moment = trigger.get_next_fire_time(moment, moment) or moment
        waited = (moment - now).total_seconds()
    return waited + schedule.jitter.total_seconds()


@contextlib.asynccontextmanager
async def scheduled(
    trigger: BaseTrigger,
    ask: Callable[[str], None],
    clock_seconds: float = _CLOCK_SECONDS,
    missed: Callable[[], None] = lambda: None,
) -> AsyncIterator[Callable[[], datetime | None]]:
    """Asks at once and then when the trigger says; gives a function that tells the time of the next asking.

    A late asking is never left out, and several late ones are one. Every `clock_seconds` it is looked at
    whether the wall clock was set, or the schedule stands still; `missed` is told of each asking that could
    not be made.
    """

    async def due() -> None:
        ask("schedule")

    def heard(event: JobEvent) -> None:
        log.warning("schedule", event_code=event.code, job=event.job_id)
        missed()

    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_listener(heard, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
    job: Job = scheduler.add_job(
        due,
        trigger,
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
        next_run_time=datetime.now(UTC),
    )
    scheduler.start()
    clock = asyncio.create_task(_mind_the_clock(job, clock_seconds), name="clock")
    try:
        yield lambda: job.next_run_time
    finally:
        clock.cancel()
        await asyncio.gather(clock, return_exceptions=True)
        scheduler.shutdown(wait=False)


async def _mind_the_clock(job: Job, seconds: float) -> None:
    """Asks at once when the wall clock was set, and goes on from there.

    APScheduler waits for a time of day: set the clock back by an hour, and it would wait an hour longer.
    """
    ahead = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(seconds)
        moved = time.time() - time.monotonic() - ahead
        if abs(moved) > _SET_BY:
            log.info("the wall clock was set", by_seconds=round(moved))
            ahead += moved
            job.modify(next_run_time=datetime.now(UTC))
        elif job.next_run_time < datetime.now(UTC) - timedelta(seconds=2 * seconds):
            log.error("the schedule stood still", was_due=str(job.next_run_time))
            job.modify(next_run_time=datetime.now(UTC))


@contextlib.contextmanager
def signals(ask: Callable[[str], None], stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT ask to stop, SIGHUP and SIGUSR1 for a tick now."""
    loop = asyncio.get_running_loop()
    handlers: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGHUP: lambda: ask("SIGHUP"),
        signal.SIGUSR1: lambda: ask("SIGUSR1"),
    }
    for number, action in handlers.items():
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
