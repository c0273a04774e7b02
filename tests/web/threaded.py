"""A server of this program in a thread with an event loop of its own, and a client of it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, ClassVar

import httpx

from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Threaded:
    """Serves while the block runs; a subclass says what, and calls `serve` once it listens at `url`.

    Attributes:
        START: seconds in which it has to listen.
        STOP: seconds in which it has to end.
        ANSWER: the client's timeout in seconds.
    """

    START: ClassVar[float] = 10
    STOP: ClassVar[float] = 10
    ANSWER: ClassVar[float] = 5
    url: str

    def __enter__(self) -> Self:
        """Starts the thread and waits until it listens."""
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._listening.wait(self.START)
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=self.ANSWER, verify=NO_TLS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the server's block, as a daemon does on SIGTERM."""
        self.client.close()
        self._events.call_soon_threadsafe(self._leave.set)
        self._thread.join(self.STOP)
        assert not self._thread.is_alive()

    def stopping(self) -> bool:
        """Whether the block is being left."""
        return self._leave.is_set()

    async def serve(self) -> None:
        """Says that it listens, and returns when it has to end."""
        self._listening.set()
        await self._leave.wait()

    async def run(self) -> None:
        """What is served."""
        raise NotImplementedError

    async def _run(self) -> None:
        self._events, self._leave = asyncio.get_running_loop(), asyncio.Event()
        await self.run()
