"""What makes a tick happen of itself: the schedule, signals, and files. Each only asks; none ticks by itself.

The kernel tells, by inotify, when a branch moved or another process journalled: nothing wakes while nothing
changes, and the schedule looks anyway.

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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, TypeAlias

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim
from tzlocal import get_localzone

from reconciler.engine.concurrency import beside
from reconciler.log import log
from reconciler.settings.types import in_numbers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from apscheduler.job import Job
    from asyncinotify import Event, Inotify

    from reconciler.settings import ScheduleSettings

    Paths: TypeAlias = Callable[[], Mapping[str, Iterable[Path]]]
    _Known: TypeAlias = frozenset[tuple[str, Path, int, int]]

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

    def report_missed(event: JobEvent) -> None:
        log.warning("schedule", event_code=event.code, job=event.job_id)
        missed()

    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_listener(report_missed, EVENT_JOB_MISSED | EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
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


LOCATION = "location"
"""The word for folders of which only the names in them count."""

_GROUPED = 0.1  # seconds at most for which changes are gathered
_STILL = 0.01  # seconds without another change, after which those that came are told
_LOOK_AGAIN = 5.0  # seconds after which what is watched is compared with what should be
_STANDS = 0.2  # seconds after which a new watch stands for certain
_RETRY = 5.0  # seconds until a watch that failed is tried again


@contextlib.asynccontextmanager
async def watched(
    paths: Paths, ask: Callable[[str], None], look_again: float = _LOOK_AGAIN
) -> AsyncIterator[None]:
    """Asks for a tick whenever one of the paths changes; without the kernel the schedule is left.

    `paths` gives files and folders by the word to ask with, each without what lies below it. What is written
    to a file in a folder counts too, unless the word is `LOCATION`. It is asked again after every change, and
    after `look_again` seconds without one; a path that does not exist is left out.
    """
    async with beside(_watch(paths, ask, look_again), "watch"):
        await asyncio.sleep(0)  # the watch stands once its task waits: what moves from now on is noticed
        yield


async def _watch(paths: Paths, ask: Callable[[str], None], look_again: float) -> None:
    watched: _Known | None = None
    complained = False
    while True:
        try:
            folders = _identified(paths())
            if watched not in (None, folders):  # something may have moved before the new watch stood
                asyncio.get_running_loop().call_later(_STANDS, _ask_each, ask, folders)
            watched = folders
            await _until_others(folders, paths, ask, look_again)
            if complained:
                log.info("file watching works again")
            complained = False
        except Exception as problem:  # noqa: BLE001 - whatever it is, the schedule goes on without it
            if not complained:
                log.warning("file watching failed; falling back to the schedule", error=str(problem))
            complained = True
            await asyncio.sleep(_RETRY)


async def _until_others(folders: _Known, paths: Paths, ask: Callable[[str], None], look_again: float) -> None:
    """Watches these folders, and returns when the paths are others, or something else lies there."""
    if not folders:
        await asyncio.sleep(_RETRY)
        return
    from asyncinotify import Inotify, Mask  # noqa: PLC0415 - fails to load where the kernel is another

    names = Mask.CREATE | Mask.DELETE | Mask.DELETE_SELF | Mask.MOVE | Mask.MOVE_SELF
    content = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.ATTRIB
    with Inotify() as inotify:
        watched_paths = {path for _, path, *_ in folders}
        content_counts = {path for word, path, *_ in folders if word != LOCATION}
        for path in watched_paths:
            inotify.add_watch(path, names | content if path in content_counts else names)
        async with contextlib.aclosing(_Events(inotify)) as events:
            while _identified(paths()) == folders:
                changed = await _changes(events, watched_paths, look_again)
                _ask_each(ask, (one for one in folders if one[1] in changed))


@dataclass(slots=True)
class _Events:
    """The kernel's events, one at a time, each waited for as long as one likes."""

    inotify: Inotify
    _next: asyncio.Task[Event] | None = None

    async def within(self, seconds: float) -> Event | None:
        """The next event; None when there is none for so long."""
        if self._next is None:
            self._next = asyncio.create_task(self.inotify.get())
        # waited for and never cancelled: what was read from the kernel by then would be lost with the wait
        done, _ = await asyncio.wait({self._next}, timeout=seconds)
        if not done:
            return None
        self._next = None
        return done.pop().result()

    async def aclose(self) -> None:
        """Waits for no more events; after it nothing reads the kernel's descriptor."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})


async def _changes(events: _Events, watched_paths: set[Path], look_again: float) -> set[Path]:
    """What changed, with the folders that hold it, once nothing else follows; empty after `look_again`.

    Everything, where the kernel dropped events because there were too many.
    """
    changed: set[Path] = set()
    loop = asyncio.get_running_loop()
    timeout, until = look_again, None
    while until is None or loop.time() < until:
        event = await events.within(timeout)
        if event is None:
            break
        path = event.path
        if path is None:
            return watched_paths
        if path.name.endswith(".lock"):  # git makes and removes one for each file that it replaces
            continue
        changed |= {path, path.parent}
        until = until or loop.time() + _GROUPED
        timeout = _STILL
    return changed


def _ask_each(ask: Callable[[str], None], folders: Iterable[tuple[str, Path, int, int]]) -> None:
    for word in sorted({word for word, *_ in folders}):
        ask(word)


def _identified(paths: Mapping[str, Iterable[Path]]) -> _Known:
    """The paths that exist, each with what the kernel takes it for: one that was replaced is another."""
    folders = set()
    for word, several in paths.items():
        for path in several:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                facts = path.stat()
                folders.add((word, path, facts.st_dev, facts.st_ino))
    return frozenset(folders)
