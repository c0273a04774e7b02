"""The wish to stop, known to everything that could wait."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stop:
    """Asked for once, by a signal or by the end of a command."""

    _event: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self) -> None:
        """From now on nothing new is started, and every sleep ends."""
        self._event.set()

    def asked(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Returns once somebody asked."""
        await self._event.wait()

    async def sleep(self, seconds: float) -> None:
        """Waits that long, or until somebody asks to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
