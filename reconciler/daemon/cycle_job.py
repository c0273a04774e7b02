"""What one tick does: nothing, when nothing moved; otherwise one cycle. And one line that says so."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from reconciler.daemon.tick_log import Attention, named, tell, word
from reconciler.engine.clock import CLOCK_TOLERANCE
from reconciler.engine.options import CycleOptions
from reconciler.engine.values import CycleAnswer, CycleRequest, Event, EventKind, Report
from reconciler.errors import ConfigurationError, Exit, GuardError, ReconcilerError, StateError
from reconciler.log import log
from reconciler.redaction import unexpected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.engine.cycle import Engine
    from reconciler.engine.trust import Hold

Outcome = Literal["success", "noop", "error"]


@dataclass(frozen=True, slots=True)
class Tick:
    """What became of one tick.

    Attributes:
        why: who asked for it, such as `schedule` or `git+SIGHUP`.
        outcome: `success`, `noop` or `error`; a cycle in which a target failed is an error.
        seconds: how long it took.
        at: when it ended.
        error: one line, when it failed.
        state_lost: it failed because the state could not be used; nothing more can be done with it.
    """

    why: str
    outcome: Outcome
    seconds: float
    at: datetime
    report: Report | None = None
    error: str | None = None
    state_lost: bool = False
    git_at: datetime | None = None


@dataclass(slots=True)
class EventCounter:
    """Counts the events that are journalled, for the log line of a tick; called with every event."""

    _counts: Counter[EventKind] = field(default_factory=Counter)

    def __call__(self, event: Event) -> None:
        """Takes one event as it is journalled."""
        self._counts[event.kind] += 1
        log.debug(event.kind.value, target=event.target, model=str(event.pair), model_id=event.model_id)

    @property
    def number(self) -> int:
        """How many events there were since the last `take`."""
        return self._counts.total()

    def take(self) -> dict[str, int]:
        """What happened since the last time, by kind, such as `did_imported`."""
        counts = {f"did_{word(kind)}": self._counts[kind] for kind in EventKind if self._counts[kind]}
        self._counts.clear()
        return counts


@dataclass(slots=True)
class CycleJob:
    """Runs ticks of one engine, one at a time; remembers what the next one needs to know.

    Attributes:
        on_report: called with the newest report when it has changed: after a cycle, or news of an import.
        commit_seen: called with the commit that the branch has, and when git said so.
        has_news: whether the leader may have written something new since the state was last shown.
        unfinished: how many imports are not final yet, as far as is known.
        is_ticking: whether a tick is under way; may be read from any thread.
    """

    engine: Engine
    counter: EventCounter
    on_tick: Callable[[Tick], None] = lambda _: None
    on_report: Callable[[Report], None] = lambda _: None
    commit_seen: Callable[[str, datetime], None] = lambda *_: None
    has_news: Callable[[], bool] = lambda: True
    unfinished: int = 0
    is_ticking: bool = False
    attention: Attention = field(default_factory=Attention)
    _commit: str | None = None
    _led: Mapping[str, int | None] = field(default_factory=dict)
    _hold: Hold | None = None
    _position: int = -1
    _due: datetime | None = None
    _served: datetime | None = None
    _looked_at: datetime | None = None
    _clock: Callable[[], float] = field(default=time.monotonic)

    async def tick(self, why: str, actor: str | None = None) -> Tick:
        """One tick; an error is part of its result, never raised.

        `why` is for the log, the `actor` for every event of its cycle.
        """
        self.is_ticking = True
        try:
            return await self._tick(why, actor)
        finally:
            self.is_ticking = False

    async def _tick(self, why: str, actor: str | None) -> Tick:
        started = self._clock()
        report: Report | None = None
        error: str | None = None
        lost, git_at = False, None
        try:
            if not self.engine.led():
                return self._stand_by(why, started)
            self.attention.recall(self.engine.ledger)
            position, asked = self._poll()
            for request in asked:
                report = await self._carry_out(request) or report
            commit = await self.engine.head()
            git_at = self.engine.clock.now()
            self.commit_seen(commit, git_at)
            if asked:
                position = self.engine.ledger.position()
            if report is None and self._something_to_do(commit, position):
                report = await self._cycle(commit, actor)
        except ReconcilerError as problem:
            error, lost = str(problem), isinstance(problem, StateError)
        except Exception as problem:  # noqa: BLE001 - a mistake in one cycle must not end all that follow
            error = unexpected(problem)
            log.debug("unexpected", exc_info=True)
        if error is not None:
            self._commit = None
        elif report is not None and report.failures:
            error = "; ".join(failure.message for failure in report.failures)
        outcome: Outcome = "error" if error is not None else "noop" if report is None else "success"
        took, now = self._clock() - started, self.engine.clock.now()
        tick = Tick(why, outcome, took, now, report, error, lost, git_at)
        tell(tick, self._done())
        self.on_tick(tick)
        if tick.outcome == "noop":
            await self._tidy()
        return tick

    def _stand_by(self, why: str, started: float) -> Tick:
        """A tick of a process that leads nothing: it shows what the leader has written."""
        if self.has_news() and (report := self.engine.ledger.summary()) is not None:
            self.on_report(report)
        took, now = self._clock() - started, self.engine.clock.now()
        tick = Tick(why, "noop", took, now)
        log.debug("standby: nothing is led here", why=why, seconds=round(took, 3))
        self.on_tick(tick)
        return tick

    async def _tidy(self) -> None:
        """Only after a tick that had nothing to do, since it may take a while."""
        try:
            await self.engine.git(self.engine.source.tidy)
        except ReconcilerError as problem:
            log.warning("mirror not packed; tried again in a day", error=str(problem))

    async def follow(self) -> str | None:
        """Asks what became of unfinished imports, if there are any. One line if something became of one.

        Gives what is wrong with the state, when it could not be used.
        """
        if not self.unfinished:
            return None
        try:
            self.unfinished = await self.engine.follow_once()
            if self.counter.number and (report := self.engine.ledger.summary()) is not None:
                self.on_report(report)
                self._attend(self.engine.ledger.last_report(whole=False))
        except ReconcilerError as problem:
            message, facts = str(problem), {"left": self.unfinished, **self._done()}
            log.warning("unfinished imports could not be followed", error=message, **facts)
            return message if isinstance(problem, StateError) else None
        if done := self._done():
            log.info("import status updated", left=self.unfinished, **done)
        return None

    def journal_moved(self) -> bool:
        """Whether another process journalled or asked for something; also when that cannot be known."""
        try:
            position, asked = self._poll()
        except ReconcilerError:
            return True
        return self._is_behind(position) or bool(asked)

    def _is_behind(self, position: int) -> bool:
        return position != self._position + self.counter.number

    def _poll(self) -> tuple[int, Sequence[CycleRequest]]:
        """The journal's position, and the requests to the leader of these targets, in one look.

        A request that names no target is about all of them.
        """
        led = self.engine.led().keys()
        position, requests = self.engine.ledger.poll(self.engine.clock.now())
        every = {target.name for target in self.engine.targets}
        return position, [one for one in requests if ({one.target} if one.target else every) <= led]

    async def _carry_out(self, request: CycleRequest) -> Report | None:
        """One cycle that another process asked for, and its answer; None when there was no cycle."""
        requests = self.engine.ledger.requests
        if not requests.take(request):
            requests.answer(request, _UNDONE)  # nobody reads it if the request was withdrawn meanwhile
            return None
        answer = _UNDONE
        try:
            report = await self._cycle(await self.engine.head(), request.actor, request)
            answer = CycleAnswer(int(report.exit_code(pending=True)))
        except (ConfigurationError, GuardError) as problem:
            answer = CycleAnswer(int(problem.exit_code), str(problem))
            log.warning("a request was refused", error=str(problem))
            return None
        except ReconcilerError as problem:
            answer = CycleAnswer(int(problem.exit_code), str(problem))
            raise
        finally:
            requests.answer(request, answer)
        return report

    def _done(self) -> dict[str, int]:
        """What this process journalled since the last time; from now on it is known to the position."""
        self._position += self.counter.number
        return self.counter.take()

    def _something_to_do(self, commit: str, position: int) -> bool:
        """Whether git moved, another process journalled, or a time has come.

        A moment that the last cycle had before it already is not come again: what waited for it waits for
        something else. A moment that was worked out by a clock that was ahead is worked out again.
        """
        if self.engine.led() != self._led or self.engine.hanging_calls.any_ended:
            return True
        now = self.engine.clock.now()
        set_back = self._looked_at is not None and now < self._looked_at - CLOCK_TOLERANCE
        # the commit may be the same where its hold, which is reported, is another
        hold_moved = self.engine.source.held() != self._hold
        if commit != self._commit or hold_moved or self._is_behind(position) or set_back:
            return True
        return self._due is not None and self._due != self._served and self._due <= now

    async def _cycle(self, commit: str, actor: str | None, request: CycleRequest | None = None) -> Report:
        self._served = self._due if self._due and self._due <= self.engine.clock.now() else None
        self._led = self.engine.led()
        self._position = self.engine.ledger.position()  # what others journal from now on is news
        confirm = request.confirm if request else None
        order = CycleOptions(
            wait=False,
            whole=False,
            leaves_behind=confirm is None,  # a digest is that of a plan for all of them
            confirm=confirm,
            confirm_target=request.target if request else None,
            actor=actor,
        )
        report = await self.engine.cycle(order, commit)
        self._commit, self._hold = None if report.failures else report.commit, self.engine.source.held()
        self._due, self._looked_at = self.engine.due(), self.engine.clock.now()
        self.unfinished = self.engine.unfinished()
        self.on_report(report)
        self._attend(report)
        return report

    def _attend(self, report: Report | None) -> None:
        """Logs which models began to need a human; a target that failed says nothing of its models."""
        if report is None:
            return
        failed = {failure.target for failure in report.failures}
        targets = self.engine.led().keys() - failed
        self.attention.observe(report.items, targets, self.engine.ledger)
        for item in report.items:
            log.debug("model", **named(item))


_UNDONE = CycleAnswer(
    int(Exit.UNAVAILABLE),
    "the process that holds the state stopped before this was done: see `reconciler status`, and ask again",
)
