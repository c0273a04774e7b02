"""SIGTERM and SIGINT during a command that acts: what is in flight is finished, nothing new is started."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.daemon.stop import Stop
from reconciler.engine.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Interruption:
    """Whether the command was asked to stop.

    Attributes:
        by: the signal that asked, or None.
    """

    by: signal.Signals | None = None
    _stop: Stop = field(default_factory=Stop)

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended; 0 when none came."""
        return 128 + self.by if self.by else 0

    @contextmanager
    def heeded(self) -> Iterator[Clock]:
        """A clock whose sleeps end when a signal comes; to be entered inside the event loop."""
        loop = asyncio.get_running_loop()
        for number in _NUMBERS:
            loop.add_signal_handler(number, self._ask, number)
        try:
            yield Clock(sleep=self._stop.sleep, stopping=self._stop.asked)
        finally:
            for number in _NUMBERS:
                loop.remove_signal_handler(number)

    def _ask(self, number: signal.Signals) -> None:
        self.by = number
        self._stop.ask()


@contextmanager
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C end a question at once."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
