"""Whether the loop does what it is for: what the probes say, with one line of why.

Alive is a loop whose ticks end, well or not. Ready is one whose last tick without an error is not long ago,
and whose state is there. Time is the monotonic clock's: a wall clock that is set changes nothing here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.daemon.cycle_job import Tick

INTERVALS = 3
"""So many intervals of the schedule may pass without a tick that ended, or one that succeeded."""

_IN_A_TICK = 900.0  # seconds; a tick that stands still for longer is none that the schedule's next one mends


@dataclass(slots=True)
class Health:
    """Hears of ticks and their steps, in whichever thread; asked by the probes.

    Attributes:
        tick_timeout: seconds from now until the schedule has asked so many times as are `INTERVALS`.
        longest_call: seconds that a single call to git, a registry or the state may take.
        state_problem: why there is no state, while there is none.
    """

    tick_timeout: Callable[[], float]
    longest_call: float
    clock: Callable[[], float] = time.monotonic
    state_problem: str | None = None
    problem: str | None = None
    _ticking: bool = False
    _moved: float = field(init=False)
    _succeeded: float | None = None
    _ready_until: float = 0.0
    _alive_until: float = field(init=False)

    def __post_init__(self) -> None:
        self.step()

    def begin(self) -> None:
        """A tick begins."""
        self._ticking = True
        self.step()

    def end(self, tick: Tick) -> None:
        """A tick has ended."""
        self._ticking, self.problem = False, tick.error
        if tick.outcome != "error":
            self._succeeded = self.clock()
            self._ready_until = self._succeeded + self.tick_timeout()
        self.step()

    def step(self) -> None:
        """A call was answered or an event journalled: whatever goes on, moves."""
        self._moved = self.clock()
        wait = min(self.tick_timeout(), _IN_A_TICK) if self._ticking else self.tick_timeout()
        self._alive_until = self._moved + wait + self.longest_call

    def not_alive(self) -> str | None:
        """Why a supervisor should start the process again; None while it should not."""
        now = self.clock()
        if now <= self._alive_until:
            return None
        what = "a tick has stood still" if self._ticking else "no tick has ended"
        return f"{what} for {now - self._moved:.0f} s"

    def overdue(self) -> float:
        """For how many seconds the loop has not been alive; 0 or less while it is."""
        return self.clock() - self._alive_until

    def not_ready(self) -> str | None:
        """Why what is shown may not be so any more; None while it is."""
        if self.state_problem is not None:
            return f"the state is away: {self.state_problem}"
        because = self.not_alive() or self.problem
        reason = f": {because}" if because else ""
        if self._succeeded is None:
            return f"no cycle has succeeded yet{reason}"
        now = self.clock()
        if now > self._ready_until:
            return f"the last success was {now - self._succeeded:.0f} s ago{reason}"
        return None
