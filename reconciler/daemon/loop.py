"""The loop: ticks on request, one at a time, and follows unfinished imports on a quicker clock.

A request that arrives during a tick is answered by one more tick after it, however many arrive: nothing is
skipped in silence, and nothing piles up.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.daemon.triggers import LOCATION, watched
from reconciler.engine.clock import Timing
from reconciler.engine.concurrency import never
from reconciler.log import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.backoff import Backoff
    from reconciler.daemon.supervisor import Supervisor
    from reconciler.daemon.triggers import Paths
    from reconciler.daemon.worker import Stop

STATE = "state"
"""The word for the state's own files among what is watched."""

SCHEDULE = "schedule"
"""The word with which the schedule asks."""

_FILES = frozenset({"git", LOCATION, STATE})  # the words for what is watched

_ACTORS_NAMED = 3  # so that many deliveries during one long tick take no room


@dataclass(slots=True)
class Loop:
    """Runs until asked to stop, in the event loop of its session. `ask` may be called from any thread.

    Attributes:
        grace: seconds that a stop waits for the call in flight.
        watch: what to watch, as `reconciler.daemon.triggers.watched` takes it; the state by the word `STATE`.
        follow: the waits between looks at unfinished imports.
        missed: called each time the schedule requests a tick while its last request still waits.
    """

    supervisor: Supervisor
    stop: Stop
    grace: float = 30.0
    watch: Paths = dict
    follow: Backoff = Timing().follow
    missed: Callable[[], None] = lambda: None
    _asked: asyncio.Event = field(default_factory=asyncio.Event)
    _unfinished: asyncio.Event = field(default_factory=asyncio.Event)
    _why: dict[str, None] = field(default_factory=dict)
    _actors: dict[str, None] = field(default_factory=dict)
    _answering: frozenset[str] = frozenset()
    _busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    _events: asyncio.AbstractEventLoop | None = None

    def ask(self, why: str, actor: str | None = None) -> None:
        """Asks for a tick.

        `why` is for the log, the `actor` for the journal: of several before one tick, the first are named.
        """
        if self._events is None:
            self._take(why, actor)
        else:
            with suppress(RuntimeError):  # the loop has ended
                self._events.call_soon_threadsafe(self._take, why, actor)

    def _take(self, why: str, actor: str | None) -> None:
        if why == SCHEDULE and (why in self._why or why in self._answering):
            self.missed()
        self._why[why] = None
        if actor is not None and len(self._actors) < _ACTORS_NAMED:
            self._actors[actor] = None
        self._asked.set()

    def on_file_event(self, what: str) -> None:
        """Asks for a tick because something watched has changed, unless it is the state and that was us."""
        if what != STATE or self.supervisor.journal_moved():
            self.ask(what)

    def on_state_changed(self) -> None:
        """Called in any thread when the state has changed: requests a tick unless this process changed it."""
        if self._events is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._events.call_soon_threadsafe(self.on_file_event, STATE)

    async def bind(self) -> None:
        """Takes the running event loop for its own: from now on `ask` wakes it from any thread."""
        self._events = asyncio.get_running_loop()
        self.supervisor.ask, self.supervisor.asked = self.ask, self._other_work

    async def run(self) -> None:
        """Ticks until asked to stop; what is in flight then has `grace` seconds to finish.

        Raises:
            BaseException: whatever one of the loop's tasks died of, after the other has ended in order.
        """
        await self.bind()
        async with watched(self.watch, self.on_file_event):
            await self._go_round()

    async def _go_round(self) -> None:
        asked = asyncio.create_task(self.stop.wait())
        work = [
            asyncio.create_task(self._ticks(), name="ticks"),
            asyncio.create_task(self._follows(), name="follows"),
        ]
        try:
            await asyncio.wait({asked, *work}, return_when=asyncio.FIRST_COMPLETED)
            await self._end(work)
        finally:
            for task in (asked, *work):
                task.cancel()
            results = await asyncio.gather(*work, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
                raise result

    async def _end(self, work: list[asyncio.Task[None]]) -> None:
        """Starts nothing new, and waits for what is in flight."""
        if self._busy.locked() or self.supervisor.lingers:
            log.info("stopping after the call in flight", seconds_at_most=self.grace)
        self.stop.request()
        self._asked.set()
        self._unfinished.set()
        finish = asyncio.create_task(self._finish(work))
        _, late = await asyncio.wait({finish}, timeout=self.grace)
        finish.cancel()
        if late:
            log.warning("stopped in the middle of a call; the next start settles it")

    async def _finish(self, work: list[asyncio.Task[None]]) -> None:
        await asyncio.wait(work)
        await self.supervisor.finish()  # after the last tick, which may have left a call to itself

    async def _other_work(self) -> None:
        """Returns once another tick is asked for; never in a loop that stops, which waits for all calls."""
        await self._asked.wait()
        if self.stop.asked():
            await never()

    async def _ticks(self) -> None:
        while True:
            await self._asked.wait()
            if self.stop.asked():
                return
            self._asked.clear()
            why, self._why = list(self._why), {}
            actor, self._actors = ", ".join(self._actors) or None, {}
            self._answering = frozenset(why)
            if self.supervisor.waits and self._answering <= _FILES:
                continue  # the last attempt changed the state itself; the next one looks at everything
            async with self._busy:
                if self.stop.asked():
                    return
                await _survived(self.supervisor.tick("+".join(why), actor))
            self._answering = frozenset()
            self._note()

    async def _follows(self) -> None:
        number = 1
        while True:
            await self._unfinished.wait()
            await self.stop.sleep(self.follow.seconds(number))
            async with self._busy:
                if self.stop.asked():
                    return
                await _survived(self.supervisor.follow())
            self._note()
            number = number + 1 if self.supervisor.unfinished else 1

    def _note(self) -> None:
        """Wakes the follower while there is something to follow, and only then."""
        if self.supervisor.unfinished:
            self._unfinished.set()
        elif not self.stop.asked():
            self._unfinished.clear()


async def _survived(work: Awaitable[None]) -> None:
    """A mistake of ours ends one round and not the loop; a loop whose rounds never end well is not alive."""
    try:
        await work
    except Exception as problem:  # noqa: BLE001 - told, and counted by the probes as no tick at all
        message = f"{type(problem).__name__}: {problem}"
        log.error("unexpected", error=message, exc_info=True)
