"""Visitors who ask again and again take a small part of the processor, and leave the rest to the cycles.

All threads of a process share one core. Who asks as soon as there is an answer would have half of it, and a
cycle would wait for its turn after each of its hundreds of steps.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_SHARE = 0.1  # of a core
_SAVED = 0.5  # processor seconds that may be taken at once after a pause: a hundred visitors of a page
_SHORTEST = 0.01  # seconds: to wait for less would take as much as it saves
_DEBT = 0.5  # processor seconds at most that are waited for, however much was taken


class Pace:
    """Has those wait who come while visitors have had their share; used in the event loop of the server."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing has been taken yet.

        `spent`: processor seconds of the thread of the event loop, which sends all answers.
        """
        self._clock, self._spent_so_far, self._sleep = clock, spent, sleep
        self._left = _SAVED
        self._seen: tuple[float, float] | None = None
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Waits until something is left of the share; who came first goes first."""
        async with self._turn:
            while (left := self._refilled()) < 0:
                await self._sleep(max(-left / _SHARE, _SHORTEST))

    def charge(self, seconds: float) -> None:
        """Takes processor seconds that another thread spent on an answer."""
        self._left -= seconds

    def _refilled(self) -> float:
        now, spent = self._clock(), self._spent_so_far()
        before = self._seen or (now, spent)
        self._left += (now - before[0]) * _SHARE - (spent - before[1])
        self._left = max(-_DEBT, min(self._left, _SAVED))
        self._seen = now, spent
        return self._left
