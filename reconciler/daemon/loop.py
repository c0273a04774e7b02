"""The scheduled loop: ticks on request, one at a time, and follows unfinished imports on a quicker clock.

A request that arrives during a tick is answered by one more tick after it, however many arrive: nothing is
skipped in silence, and nothing piles up.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from reconciler.daemon.triggers import scheduled, signals, watched
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from reconciler.daemon.stop import Stop
    from reconciler.daemon.ticker import Ticker
    from reconciler.settings import ScheduleSettings

log = structlog.get_logger("reconciler")


@dataclass(slots=True)
class Loop:
    """Runs until asked to stop.

    Attributes:
        watch: paths whose change means the branch may have moved; empty for a remote.
        follow_first, follow_max: seconds between looks at unfinished imports, growing from one to the other.
    """

    ticker: Ticker
    schedule: ScheduleSettings
    stop: Stop
    watch: Sequence[Path] = ()
    follow_first: float = 5.0
    follow_max: float = 15.0
    next_run: Callable[[], datetime | None] = lambda: None
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _why: dict[str, None] = field(default_factory=dict)
    _work: list[asyncio.Task[None]] = field(default_factory=list)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def alive(self) -> bool:
        """Whether the loop still goes round: none of its tasks has ended before it was asked to stop."""
        return not any(task.done() for task in self._work) or self.stop.asked()

    def ask(self, why: str) -> None:
        """Asks for a tick; `why` goes to the log."""
        self._why[why] = None
        self._asked.set()

    async def run(self) -> None:
        """Ticks until asked to stop; what is in flight then has `schedule.grace` to finish."""
        with scheduled(self.schedule, self.ask) as next_run, signals(self.ask, self.stop.ask):
            self.next_run = next_run
            async with watched(self.watch, self.ask):
                work = self._work = [asyncio.create_task(self._ticks()), asyncio.create_task(self._follows())]
                await self.stop.wait()
                self._asked.set()
                _, late = await asyncio.wait(work, timeout=self.schedule.grace.total_seconds())
                for task in late:
                    log.warning("stopped in the middle of a call; the next start settles it")
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)

    async def _ticks(self) -> None:
        while True:
            await self._asked.wait()
            if self.stop.asked():
                return
            self._asked.clear()
            why, self._why = "+".join(self._why), {}
            async with self._busy:
                await self.ticker.tick(why)

    async def _follows(self) -> None:
        wait = self.follow_first
        while not self.stop.asked():
            await self.stop.sleep(wait)
            async with self._busy:
                left = await self._follow()
            wait = min(self.follow_max, wait * 1.5) if left else self.follow_first

    async def _follow(self) -> int:
        """How many imports are still unfinished; no call is made when none was."""
        engine = self.ticker.engine
        if self.stop.asked() or not engine.unfinished():
            return 0
        try:
            return await self.ticker.follow()
        except ReconcilerError as error:
            log.warning("could not ask what became of unfinished imports", error=str(error))
            return 1
