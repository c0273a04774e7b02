"""A thread with an event loop of its own: whatever blocks in it, those that wait for it can go on.

Everything that may block works there: git, the state, the files. Signals, page, probes and the schedule live
in the main thread, so that a database or a disk that hangs takes none of them with it.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, suppress
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
            with suppress(RuntimeError):  # nobody is left that waits for it
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
