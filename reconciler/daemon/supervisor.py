"""Keeps one session open, and opens another when its state was lost; `Health` answers the probes.

A session is everything that one writer of the state works with. A tick that finds the state unusable gives
the session up as a whole: no import can start without it, since an intent is on disk first. The next one is
opened at once, and then with a growing, random delay; it settles what the last one left open, as a new
process would.

    start ──▶ open ──tick──▶ open ──state lost──▶ away ──opened──▶ open
                                                   │  ▲
                                                   └──┘ not yet: later again

Alive is a loop whose ticks end, well or not. Ready is one whose last tick without an error is not long ago,
and whose state is there. Time is the monotonic clock's: a wall clock that is set changes nothing here.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.backoff import EQUAL_JITTER, Backoff
from reconciler.daemon.cycle_job import Tick
from reconciler.engine.clock import utc_now
from reconciler.engine.concurrency import never
from reconciler.errors import ReconcilerError, StateError, StateLockedError
from reconciler.log import log
from reconciler.redaction import unexpected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from reconciler.daemon.cycle_job import CycleJob

    Opener = Callable[[], AbstractAsyncContextManager[CycleJob]]

INTERVALS = 3
"""So many intervals of the schedule may pass without a tick that ended, or one that succeeded."""

_IN_A_TICK = 900.0  # seconds; a tick that stands still for longer is none that the schedule's next one mends


@dataclass(slots=True)
class Health:
    """Takes ticks and their steps, in any thread; the probes read it.

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


LONGEST_DELAY = 30.0
"""Seconds between two attempts to open a session, at most."""

_OPEN_BACKOFF = Backoff(1.0, LONGEST_DELAY, jitter=EQUAL_JITTER)


@dataclass(slots=True)
class Supervisor:
    """Ticks in a session, and opens a new one where it has to. Used from one event loop.

    Attributes:
        opener: opens a session and gives its ticker; leaving it closes everything. Raises StateError.
        on_tick: called with every tick for which no session was open.
        chance: a number in [0, 1).
        now: the wall clock.
        asked: returns once another tick than the one under way is asked for.
    """

    opener: Opener
    health: Health
    on_tick: Callable[[Tick], None] = lambda _: None
    chance: Callable[[], float] = lambda: 0.5
    now: Callable[[], datetime] = utc_now
    ask: Callable[[str], None] = lambda _: None
    asked: Callable[[], Awaitable[object]] = never
    job: CycleJob | None = None
    _session: AsyncExitStack = field(default_factory=AsyncExitStack)
    _failures: int = 0
    _again: asyncio.TimerHandle | None = None

    async def tick(self, why: str, actor: str | None = None) -> None:
        """One tick, after opening a session where there is none; see `CycleJob.tick`."""
        self.health.begin()
        if self.job is None and not await self._opened_again(why):
            return
        assert self.job is not None  # noqa: S101 - for the type checker
        tick = await self.job.tick(why, actor)
        self.health.end(tick)
        if tick.state_lost:
            await self._give_up(tick.error or "")
            return
        if self.health.state_problem is not None:
            log.info("state is back")
        self.health.state_problem, self._failures = None, 0

    async def follow(self) -> None:
        """Asks after unfinished imports, where there is a session."""
        if self.job is not None and (problem := await self.job.follow()) is not None:
            await self._give_up(problem)

    @property
    def unfinished(self) -> int:
        """How many imports are not final yet, as far as is known."""
        return self.job.unfinished if self.job is not None else 0

    @property
    def waits(self) -> bool:
        """Whether there is no session, and the next attempt to open one is still to come."""
        return self.job is None and self._again is not None

    def journal_moved(self) -> bool:
        """Whether another process journalled something; also when that cannot be known."""
        return self.job is None or self.job.journal_moved()

    @property
    def lingers(self) -> bool:
        """Whether an import call is under way that no tick waits for."""
        return self.job is not None and bool(self.job.engine.hanging_calls)

    async def finish(self) -> None:
        """Waits for those calls."""
        if self.job is not None:
            await self.job.engine.hanging_calls.all()

    async def close(self) -> None:
        """Closes the session, if there is one."""
        self.job = None
        if self._again is not None:
            self._again.cancel()
        session, self._session = self._session, AsyncExitStack()
        await session.aclose()

    async def open(self) -> None:
        """Opens a session. Raises whatever opening it does."""
        self.job = await self._session.enter_async_context(self.opener())
        engine = self.job.engine
        engine.slow_targets.caught_up = lambda: self.ask("target")
        engine.hanging_calls.ended = lambda: self.ask("import")
        engine.hanging_calls.other_work = self._other_work

    async def _other_work(self) -> None:
        await self.asked()  # read only now: the loop says whom to ask after the first session is open

    async def _opened_again(self, why: str) -> bool:
        began = time.monotonic()
        try:
            await self.open()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next attempt may find it gone
            problem = str(error) if isinstance(error, ReconcilerError) else unexpected(error)
            waits = isinstance(error, StateLockedError)
            if isinstance(error, StateError):
                self.health.state_problem = problem
        else:
            return True
        message = "another process holds the state; waiting for it" if waits else "state still away"
        log.error(message, error=problem, next_attempt_in=self._later())
        tick = Tick(why, "error", time.monotonic() - began, self.now(), error=problem, state_lost=True)
        self.health.end(tick)
        self.on_tick(tick)
        return False

    async def _give_up(self, problem: str) -> None:
        """Closes everything that belongs to the lost state, and requests a tick that opens it again."""
        self.health.state_problem = problem
        try:
            await self.close()
        except Exception as error:  # noqa: BLE001 - a state that is away may complain once more
            log.debug("closing what was lost", error=str(error))
        message = "state lost: no import starts without it"
        log.error(message, error=problem, next_attempt_in=self._later())

    def _later(self) -> float:
        """Asks for a tick after a while: at once, and then later and later; how many seconds from now."""
        delay = _OPEN_BACKOFF.seconds(self._failures, self.chance()) if self._failures else 0.0
        self._failures += 1
        if self._again is not None:
            self._again.cancel()
        self._again = asyncio.get_running_loop().call_later(delay, self._try_again)
        return round(delay, 1)

    def _try_again(self) -> None:
        self._again = None
        self.ask("state")
