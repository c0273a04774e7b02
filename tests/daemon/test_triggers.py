"""The schedule and signals ask for ticks: at once, on time, never silently left out."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from reconciler.daemon.triggers import scheduled, seconds_until, signals, trigger_of
from reconciler.settings.tables import ScheduleSettings
from tests.daemon.waiting import until


def schedule(**settings: Any) -> Any:
    """A trigger as `[schedule]` describes it."""
    return trigger_of(ScheduleSettings(**settings))


def test_the_first_asking_comes_at_once_and_the_next_ones_at_their_interval() -> None:
    """However long the interval is, the first is now."""

    async def work() -> None:
        asked: list[float] = []
        async with scheduled(schedule(every="200ms"), lambda _: asked.append(time.monotonic())):
            await until(lambda: len(asked) == 4)
        assert asked[3] - asked[0] > 0.3

        async with scheduled(schedule(every="1d"), lambda _: asked.append(time.monotonic())) as next_run:
            await until(lambda: len(asked) == 5)
            ahead = next_run()
            assert ahead is not None
            assert timedelta(hours=23) < ahead - datetime.now(UTC) <= timedelta(days=1)

    asyncio.run(work())


def test_a_crontab_line_too_asks_at_once_and_then_at_its_time() -> None:
    """The next asking is on a full five minutes."""

    async def work() -> None:
        asked: list[str] = []
        async with scheduled(schedule(cron="*/5 * * * *"), asked.append) as next_run:
            await until(lambda: asked == ["schedule"])
            ahead = next_run()
            assert ahead is not None
            assert (ahead.minute % 5, ahead.second) == (0, 0)
            assert ahead > datetime.now(UTC)

    asyncio.run(work())


def test_jitter_spreads_the_askings() -> None:
    """Each is late by up to so much."""

    async def work() -> None:
        asked: list[float] = []
        ask = asked.append
        async with scheduled(schedule(every="50ms", jitter="100ms"), lambda _: ask(time.monotonic())):
            await until(lambda: len(asked) == 9)
        gaps = [later - earlier for earlier, later in pairwise(asked)]
        assert max(gaps) - min(gaps) > 0.01

    asyncio.run(work())


def test_askings_missed_while_the_process_was_busy_are_made_up_for_by_one() -> None:
    """None is left out because it is late, and they do not pile up."""

    async def work() -> None:
        asked: list[str] = []
        async with scheduled(schedule(every="100ms"), asked.append):
            await until(lambda: asked)
            time.sleep(1.25)  # noqa: ASYNC251 - the point: the event loop stands still
            asked.clear()
            begun = time.monotonic()
            await until(lambda: asked)
            # what was missed, and those that came in their time meanwhile
            assert len(asked) <= 2 + (time.monotonic() - begun) / 0.1

    asyncio.run(work())


@pytest.mark.parametrize("hours", [-1, 1])
def test_setting_the_wall_clock_does_not_stop_the_schedule(hours: int) -> None:
    """Back or ahead: it asks at once, and goes on at its interval."""

    async def work() -> None:
        asked: list[str] = []
        async with scheduled(schedule(every="300ms"), asked.append, clock_seconds=0.1):
            await until(lambda: asked)
            with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True):
                before = len(asked)
                await until(lambda: len(asked) >= before + 3)

    asyncio.run(work())


@pytest.mark.parametrize("settings", [{"every": "1s"}, {"cron": "* * * * *"}, {"cron": "0 0 1 1 *"}])
def test_of_all_that_was_missed_while_the_clock_was_decades_behind_nothing_is_gone_through(
    settings: Any,
) -> None:
    """As on a machine without a battery, whose clock stands in 1970 until it has reached a time server."""
    missed, now = datetime(1970, 1, 1, tzinfo=UTC), datetime(2026, 11, 30, 12, 0, 30, tzinfo=UTC)
    assert schedule(**settings).get_next_fire_time(missed, now) > now


def test_sighup_and_sigusr1_ask_and_sigterm_and_sigint_stop() -> None:
    """And nothing of it is left behind."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)}

    async def work() -> None:
        calls: list[str] = []
        with signals(calls.append, lambda: calls.append("stop")):
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
                before = len(calls)
                os.kill(os.getpid(), number)
                await until(lambda before=before: len(calls) > before)  # type: ignore[misc]
        assert calls == ["SIGHUP", "SIGUSR1", "stop", "stop"]

    asyncio.run(work())
    assert {number: signal.getsignal(number) for number in kept} == kept


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ({"every": "30s"}, 90),
        ({"every": "30s", "jitter": "5s"}, 95),
        ({"cron": "*/5 * * * *"}, 15 * 60),
        ({"cron": "0 9 * * 1-5"}, 5 * 86_400),
    ],
)
def test_three_intervals_are_what_the_schedule_makes_of_them(settings: Any, seconds: float) -> None:
    """From Wednesday at nine, a line for working days comes three times until Monday."""
    zone = datetime.now().astimezone().tzinfo
    wednesday = datetime(2026, 11, 25, 9, 0, tzinfo=zone)
    assert seconds_until(ScheduleSettings(**settings), 3, wednesday) == seconds
