"""SIGTERM and SIGINT during a command that acts: what is in flight is finished, nothing new is started.

What is in flight has `schedule.grace`. A call that can be cut off then, is; a thread that hangs in a database
or on a disk cannot be, and takes the process down with it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.cli.terminal import echo_err
from reconciler.daemon.worker import Stop, in_flight, longest_end, working
from reconciler.engine.clock import Clock
from reconciler.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

T = TypeVar("T")

_NUMBERS = (signal.SIGTERM, signal.SIGINT)


@dataclass(slots=True)
class Interruption:
    """Whether the command was asked to stop."""

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

    async def carried_out(self, grace: float, work: Callable[[Clock], Coroutine[Any, Any, T]]) -> T:
        """The result of the work, done in another thread: this one handles signals even when that one hangs.

        Everything ends within the `grace`, in seconds after a signal. The work takes a clock as `heeded`
        gives it.

        Raises:
            SystemExit: a signal came, and the work did not end within the grace.
        """
        async with working() as worker:
            with self.heeded() as clock:
                done = asyncio.create_task(worker.run(work(clock)))
                asked = asyncio.create_task(self._stop.wait())
                await asyncio.wait({done, asked}, return_when=asyncio.FIRST_COMPLETED)
                asked.cancel()
                if not done.done():
                    end_within(longest_end(grace), _left_behind, self.exit_code)
                    if self.by is not None:  # printed last: writing hangs where nothing reads it
                        echo_err(f"{self.by.name}: nothing new is started; waiting for what is in flight")
                    await asyncio.wait({done}, timeout=in_flight(grace))
                if not done.done():
                    done.cancel()
                    echo_err("stopped in the middle of a call; the next run settles it")
                    await asyncio.wait({done})
                    raise SystemExit(self.exit_code)
                return await done

    def _ask(self, number: signal.Signals) -> None:
        self.by = number
        self._stop.request()


def end_within(seconds: float, on_message: Callable[[str], None], code: int = Exit.UNAVAILABLE) -> None:
    """Ends the process after so many seconds with this code, whatever hangs, unless it has ended by then.

    Nothing is closed: what was written is on disk, and an open intent is settled by the next start.
    """

    def end() -> None:
        threads = threading.enumerate()
        on_message(", ".join(sorted(one.name for one in threads if one.name != _LAST and one.is_alive())))
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.name, timer.daemon = _LAST, True
    timer.start()


_LAST = "last resort"


def _left_behind(what: str) -> None:
    echo_err(f"the grace is over: ended in the middle of a call ({what}); the next run settles it")


@contextmanager
def interruptible() -> Iterator[None]:
    """Lets Ctrl-C end a question at once."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)
