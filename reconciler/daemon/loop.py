"""The scheduled loop: ticks on request, one at a time, and follows unfinished imports on a quicker clock.

A request that arrives during a tick is answered by one more tick after it, however many arrive: nothing is
skipped in silence, and nothing piles up.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from reconciler.daemon.triggers import scheduled, signals
from reconciler.daemon.watch import watched

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from apscheduler.triggers.base import BaseTrigger

    from reconciler.daemon.stop import Stop
    from reconciler.daemon.ticker import Ticker
    from reconciler.daemon.watch import Paths

STATE = "state"
"""The word for the state's own files among what is watched."""

_ACTORS_NAMED = 3  # so that many deliveries during one long tick take no room

log = structlog.get_logger("reconciler")


@dataclass(slots=True)
class Loop:
    """Runs until asked to stop.

    Attributes:
        trigger: when the schedule asks; from `reconciler.daemon.triggers.trigger_of`.
        grace: seconds that a stop waits for the call in flight.
        watch: what to watch, as `reconciler.daemon.watch.watched` takes it; the state by the word `STATE`.
        follow_first, follow_max: seconds between looks at unfinished imports, growing from one to the other.
        next_run: when the schedule asks next, once it runs.
    """

    ticker: Ticker
    trigger: BaseTrigger
    stop: Stop
    grace: float = 30.0
    watch: Paths = dict
    follow_first: float = 5.0
    follow_max: float = 15.0
    next_run: Callable[[], datetime | None] = lambda: None
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _unfinished: asyncio.Event = field(default_factory=asyncio.Event)
    _why: dict[str, None] = field(default_factory=dict)
    _actors: dict[str, None] = field(default_factory=dict)
    _work: list[asyncio.Task[None]] = field(default_factory=list)
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)

    def alive(self) -> bool:
        """Whether the loop goes round: none of its tasks has died."""
        return not any(task.done() and (task.cancelled() or task.exception()) for task in self._work)

    def ask(self, why: str, actor: str | None = None) -> None:
        """Asks for a tick.

        Args:
            why: for the log.
            actor: who asks, for the journal; of several before one tick, the first are named.
        """
        self._why[why] = None
        if actor is not None and len(self._actors) < _ACTORS_NAMED:
            self._actors[actor] = None
        self._asked.set()

    def noticed(self, what: str) -> None:
        """Asks for a tick because something watched has changed, unless it is the state and that was us."""
        if what != STATE or self.ticker.journal_moved():
            self.ask(what)

    async def run(self) -> None:
        """Ticks until asked to stop; what is in flight then has `grace` seconds to finish.

        Raises:
            Exception: whatever one of the loop's tasks died of, after the other has ended in order.
        """
        with signals(self.ask, self.stop.ask):
            async with scheduled(self.trigger, self.ask) as self.next_run, watched(self.watch, self.noticed):
                await self._go_round()

    async def _go_round(self) -> None:
        asked = asyncio.create_task(self.stop.wait())
        self._work = [
            asyncio.create_task(self._ticks(), name="ticks"),
            asyncio.create_task(self._follows(), name="follows"),
        ]
        try:
            await asyncio.wait({asked, *self._work}, return_when=asyncio.FIRST_COMPLETED)
            await self._end()
        finally:
            for task in (asked, *self._work):
                task.cancel()
            results = await asyncio.gather(*self._work, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _end(self) -> None:
        """Starts nothing new, and waits for what is in flight."""
        if self._busy.locked():
            log.info("stopping after the call in flight", seconds_at_most=self.grace)
        self.stop.ask()
        self._asked.set()
        self._unfinished.set()
        _, late = await asyncio.wait(self._work, timeout=self.grace)
        if late:
            log.warning("stopped in the middle of a call; the next start settles it")

    async def _ticks(self) -> None:
        while True:
            await self._asked.wait()
            if self.stop.asked():
                return
            self._asked.clear()
            why, self._why = "+".join(self._why), {}
            actor, self._actors = ", ".join(self._actors) or None, {}
            async with self._busy:
                if self.stop.asked():
                    return
                await self.ticker.tick(why, actor)
            self._note()

    async def _follows(self) -> None:
        wait = self.follow_first
        while True:
            await self._unfinished.wait()
            await self.stop.sleep(wait)
            async with self._busy:
                if self.stop.asked():
                    return
                await self.ticker.follow()
            self._note()
            wait = min(self.follow_max, wait * 1.5) if self.ticker.unfinished else self.follow_first

    def _note(self) -> None:
        """Wakes the follower while there is something to follow, and only then."""
        if self.ticker.unfinished:
            self._unfinished.set()
        elif not self.stop.asked():
            self._unfinished.clear()
