"""The wish to stop, known to everything that could wait, in whichever thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from dataclasses import dataclass, field

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
                with contextlib.suppress(RuntimeError):  # a loop that is closed already waits for nothing
                    loop.call_soon_threadsafe(event.set)

    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Returns once somebody asked."""
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
        """Waits that long, or until somebody asks to stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.wait()
