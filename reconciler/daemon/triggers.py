"""What makes a tick happen: the schedule, a moved branch, a signal. Each only asks; none ticks by itself."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger
from watchfiles import awatch

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from pathlib import Path

    from apscheduler.job import Job

    from reconciler.settings import ScheduleSettings

log = structlog.get_logger("reconciler")

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


def crontab(line: str, jitter: int | None = None) -> CronTrigger:
    """A crontab line as cron means it; APScheduler alone counts weekdays from Monday.

    Raises:
        ConfigurationError: the line is not a crontab line.
    """
    fields = line.split()
    if len(fields) != 5:  # noqa: PLR2004 - minute, hour, day, month, weekday
        raise ConfigurationError(f"schedule.cron: {line!r} has {len(fields)} fields, expected five")
    minute, hour, day, month, weekday = fields
    try:
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=_weekday(weekday), jitter=jitter
        )
    except (ValueError, IndexError) as error:
        raise ConfigurationError(f"schedule.cron: {line!r} is not a crontab line: {error}") from None


def _weekday(text: str) -> str:
    """`0` and `7` are Sunday in a crontab, whatever step or range they stand in."""
    parts = []
    for part in text.split(","):
        span, _, step = part.partition("/")
        bounds = [
            _WEEKDAYS.index(b[:3].lower()) if b[:3].lower() in _WEEKDAYS else b for b in span.split("-")
        ]
        if span == "*" or not all(str(bound).isdigit() for bound in bounds):
            first, last = (0, 6) if span == "*" else (-1, -1)
        else:
            first, last = int(bounds[0]), int(bounds[-1])
            last = 7 if last == 0 and first > 0 else last
        if not 0 <= first <= last <= 7:  # noqa: PLR2004 - weekdays
            raise ValueError(f"weekday {part!r}")
        single = step and len(bounds) == 1 and span != "*"
        days = range(first, (6 if single else last) + 1, int(step or 1))
        parts += [_WEEKDAYS[day] for day in days]
    return ",".join(dict.fromkeys(parts))


@contextlib.contextmanager
def scheduled(
    schedule: ScheduleSettings, ask: Callable[[str], None]
) -> Iterator[Callable[[], datetime | None]]:
    """Asks at once and then on schedule; yields a function that gives the time of the next asking."""
    jitter = int(schedule.jitter.total_seconds()) or None
    trigger = (
        crontab(schedule.cron, jitter)
        if schedule.cron
        else IntervalTrigger(seconds=schedule.every.total_seconds(), jitter=jitter)
    )
    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_listener(
        lambda event: log.warning("schedule", event=str(event)), EVENT_JOB_MISSED | EVENT_JOB_ERROR
    )
    job: Job = scheduler.add_job(
        _asking(ask),
        trigger,
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
        next_run_time=datetime.now(UTC),
    )
    scheduler.start()
    try:
        yield lambda: job.next_run_time
    finally:
        scheduler.shutdown(wait=False)


def _asking(ask: Callable[[str], None]) -> Callable[[], object]:
    async def due() -> None:
        ask("schedule")

    return due


@contextlib.contextmanager
def signals(ask: Callable[[str], None], stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT ask to stop, SIGHUP and SIGUSR1 for a tick now."""
    loop = asyncio.get_running_loop()
    wanted: dict[signal.Signals, Callable[[], None]] = {
        signal.SIGTERM: stop,
        signal.SIGINT: stop,
        signal.SIGHUP: lambda: ask("SIGHUP"),
        signal.SIGUSR1: lambda: ask("SIGUSR1"),
    }
    for number, action in wanted.items():
        loop.add_signal_handler(number, action)
    try:
        yield
    finally:
        for number in wanted:
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def watched(paths: Sequence[Path], ask: Callable[[str], None]) -> AsyncIterator[None]:
    """Asks when a branch may have moved, told by the kernel; without a watch the schedule still looks."""
    if not paths:
        yield
        return
    stopped = asyncio.Event()
    task = asyncio.create_task(_watch(paths, ask, stopped))
    try:
        yield
    finally:
        stopped.set()
        await task


async def _watch(paths: Sequence[Path], ask: Callable[[str], None], stopped: asyncio.Event) -> None:
    try:
        async for _ in awatch(
            *paths, stop_event=stopped, debounce=100, step=20, watch_filter=None, recursive=True
        ):
            ask("git")
    except (OSError, RuntimeError) as error:
        log.warning("the repository cannot be watched; new commits wait for the schedule", error=str(error))
