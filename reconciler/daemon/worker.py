"""The thread that the work is done in, and the wish to stop, which is known in every thread.

Everything that may block works in a thread with an event loop of its own: git, the state, the files. Signals,
page, probes and the schedule live in the main thread, so that a database or a disk that hangs takes none of
them with it.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

T = TypeVar("T")


class Worker:
    """The thread; get one from `working`.

    Attributes:
        ended: set in the event loop that made it once the thread has ended.
    """

    def __init__(self) -> None:
        """Starts it."""
        self._ready, self._owner = threading.Event(), asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="worker", daemon=True)
        self._thread.start()
        self._ready.wait()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Has the work done there, and waits for it here; who is cancelled here, cancels it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def end(self) -> None:
        """Lets the thread end once what it is in the middle of is done; does not wait for that."""
        self._loop.call_soon_threadsafe(self._leave.set)

    def _work(self) -> None:
        try:
            asyncio.run(self._until_left())
        finally:
            with suppress(RuntimeError):  # the event loop that waited for it is closed
                self._owner.call_soon_threadsafe(self.ended.set)

    async def _until_left(self) -> None:
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await self._leave.wait()


@asynccontextmanager
async def working() -> AsyncIterator[Worker]:
    """A worker while the block runs; leaving the block waits for its end."""
    worker = Worker()
    try:
        yield worker
    finally:
        worker.end()
        await worker.ended.wait()


_CLOSING = 1.0  # seconds to close what is open, once nothing is waited for any more


def in_flight(grace: float) -> float:
    """Seconds of the grace that the call in flight has; the rest is for closing what is open."""
    return grace - min(_CLOSING, grace / 5)


def longest_end(grace: float) -> float:
    """Seconds after which the process has ended, whatever hangs: the grace, or what closing takes."""
    return in_flight(grace) + _CLOSING


@dataclass(slots=True)
class Stop:
    """Asked for once, by a signal or by the end of a command. May be used by several event loops."""

    _asked: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = field(default_factory=dict)

    def request(self) -> None:
        """From now on nothing new is started, and every sleep ends."""
        with self._lock:
            self._asked.set()
            for event, loop in self._waiting.items():
                with suppress(RuntimeError):  # a loop that is closed already waits for nothing
                    loop.call_soon_threadsafe(event.set)

    def asked(self) -> bool:
        """Whether a stop was requested."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Returns once a stop was requested."""
        event = asyncio.Event()
        with self._lock:
            if self._asked.is_set():
                return
            self._waiting[event] = asyncio.get_running_loop()
        try:
            await event.wait()
        finally:
            with self._lock:
                del self._waiting[event]

    async def sleep(self, seconds: float) -> None:
        """Waits that long, or until a stop is requested."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
