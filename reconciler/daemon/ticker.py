"""What one tick does: nothing, when nothing moved; otherwise one cycle. And one line that says so."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import structlog

from reconciler.engine.cycle import Order
from reconciler.engine.values import EventKind, Report, Verdict
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.engine.cycle import Engine
    from reconciler.engine.values import Event

Outcome = Literal["success", "noop", "error"]

log = structlog.get_logger("reconciler")


@dataclass(frozen=True, slots=True)
class Tick:
    """What became of one tick.

    Attributes:
        outcome: `success`, `noop` or `error`; a cycle in which a target failed is an error.
        report: of the cycle, when there was one.
        seconds: how long it took.
    """

    why: str
    outcome: Outcome
    seconds: float
    at: datetime
    report: Report | None = None
    error: str | None = None


@dataclass(slots=True)
class Deeds:
    """Counts what is journalled, for the line that tells what a tick did; hears every event."""

    _counts: Counter[EventKind] = field(default_factory=Counter)

    def __call__(self, event: Event) -> None:
        """Takes one event as it is journalled."""
        self._counts[event.kind] += 1
        log.debug(event.kind.value, target=event.target, model=str(event.pair), model_id=event.model_id)

    def take(self) -> dict[str, int]:
        """What happened since the last time, by kind, such as `did_imported`."""
        told = {f"did_{_word(kind)}": self._counts[kind] for kind in EventKind if self._counts[kind]}
        self._counts.clear()
        return told


@dataclass(slots=True)
class Ticker:
    """Runs ticks of one engine, one at a time; remembers what the next one needs to know."""

    engine: Engine
    deeds: Deeds
    heard: Callable[[Tick], None] = lambda _: None
    _commit: str | None = None
    _position: int = -1
    _due: datetime | None = None
    _clock: Callable[[], float] = field(default=time.monotonic)

    async def tick(self, why: str) -> Tick:
        """One tick; an error is part of its result, never raised."""
        started = self._clock()
        report: Report | None = None
        error: str | None = None
        try:
            commit = await self.engine.head()
            if self._something_to_do(commit):
                report = await self._cycle(commit)
        except ReconcilerError as problem:
            self._commit = None
            error = str(problem)
        tick = Tick(
            why, _outcome(report, error), self._clock() - started, self.engine.clock.now(), report, error
        )
        _tell(tick, self.deeds.take())
        self.heard(tick)
        return tick

    async def follow(self) -> int:
        """Asks what became of unfinished imports; gives how many are left. One line if any became final."""
        left = await self.engine.follow_once()
        news = self.deeds.take()
        self._position = self.engine.ledger.position()
        if news:
            log.info("followed", left=left, **news)
        return left

    def _something_to_do(self, commit: str) -> bool:
        """Whether git moved, another process wrote to the journal (as `retry` does), or a time has come."""
        if commit != self._commit or self.engine.ledger.position() != self._position:
            return True
        return self._due is not None and self._due <= self.engine.clock.now()

    async def _cycle(self, commit: str) -> Report:
        report = await self.engine.cycle(Order(wait=False), commit)
        self._commit = None if report.failures else commit
        self._due = self.engine.due()
        self._position = self.engine.ledger.position()
        return report


def _outcome(report: Report | None, error: str | None) -> Outcome:
    if error is not None or (report is not None and report.failures):
        return "error"
    return "noop" if report is None else "success"


def _word(kind: str) -> str:
    return kind.replace("-", "_")


def _tell(tick: Tick, done: dict[str, int]) -> None:
    """One log line a tick: what was seen and what was done; a tick with nothing to do only when debugging."""
    facts = {"why": tick.why, "seconds": round(tick.seconds, 3), **done}
    if tick.error is not None:
        log.error("tick failed", error=tick.error, **facts)
        return
    if tick.report is None:
        log.debug("tick: nothing to do", **facts)
        return
    counts = {
        _word(verdict): count
        for verdict in Verdict
        if (count := sum(item.verdict is verdict for item in tick.report.items))
    }
    told = {"commit": tick.report.commit[:12], **counts, **facts}
    if tick.report.failures:
        log.error("tick", errors=[failure.message for failure in tick.report.failures], **told)
    else:
        log.info("tick", **told)
