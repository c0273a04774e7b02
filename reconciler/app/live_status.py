"""What page, probes and metrics show: filled by the loop in its thread, read by the web room in another."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.engine.clock import utc_now
from reconciler.engine.values import FINAL, Event, EventKind, LedgerEntry, Phase, Report
from reconciler.phrases import many
from reconciler.times import shown_time
from reconciler.views.metrics import Metrics
from reconciler.web.application import READY

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.daemon.cycle_job import Tick
    from reconciler.daemon.supervisor import Health
    from reconciler.engine.leadership import LeaseSnapshot
    from reconciler.notify import Backlog

_MOVES_APART = 1.0  # seconds
_UNFINISHED = frozenset({Phase.INTENDED, Phase.REGISTERED})
_ENDED = frozenset(
    {
        EventKind.PUBLISHED,
        EventKind.FAILED,
        EventKind.REJECTED,
        EventKind.POSTPONED,
        EventKind.NOT_FOUND,
        EventKind.DRIFTED,
        EventKind.MISSING,
        EventKind.RELEASED,
        EventKind.DELETED,
    }
)


@dataclass(slots=True)
class LiveStatus:
    """Values that are replaced and never changed, so that another thread may read them at any time.

    Attributes:
        now: the wall clock.
        revision: another number whenever what the pages show may be something else.
        succeeded_at: the end of the newest tick without an error.
        led: the targets that this process leads, where there are replicas.
        alert: what a person has to know as long as this process lives, such as a state that was replaced.
    """

    health: Health
    targets: tuple[str, ...]
    sinks: tuple[str, ...] = ()
    now: Callable[[], datetime] = utc_now
    metrics: Metrics = field(init=False)
    revision: int = 0
    last: Tick | None = None
    succeeded_at: datetime | None = None
    alert: str | None = None
    lease_snapshot: LeaseSnapshot | None = None
    led: frozenset[str] = frozenset()
    backlogs: Mapping[str, Backlog] = field(default_factory=dict)
    next_run: Callable[[], datetime | None] = lambda: None
    _commit: str | None = None
    _commit_at: datetime | None = None
    answered: dict[str, datetime] = field(default_factory=dict)
    _open: dict[tuple[str, ModelKey], datetime] = field(default_factory=dict)
    _moved_at: float = 0.0

    def __post_init__(self) -> None:
        self.metrics = Metrics(__version__, self.targets, self.sinks)

    def commit_seen(self, commit: str, at: datetime) -> None:
        """Takes the commit that the branch has. How long the first one has been there is not known."""
        if self._commit not in (None, commit):
            self._commit_at = at
        self._commit = commit

    def on_tick(self, tick: Tick) -> None:
        """Takes the result of one tick."""
        before, self.last = self.last, tick
        if before is None or before.error != tick.error:
            self.revision += 1
        self.metrics.observe_tick(tick.outcome, tick.seconds, tick.at)
        if tick.git_at is not None:
            self.metrics.set("git_last_success_timestamp_seconds", tick.git_at.timestamp())
        if tick.outcome != "error":
            self.succeeded_at, self._commit_at = tick.at, None  # a later import is another try
        elif tick.report is None:
            self.metrics.observe_outage()

    def on_report(self, report: Report) -> None:
        """Takes the numbers of a newer report."""
        self.revision += 1
        self.metrics.observe_report(report)

    def event(self, event: Event) -> None:
        """Takes an event that was journalled."""
        self.health.step()
        self.metrics.observe_events([event])
        now = time.monotonic()
        if now - self._moved_at > _MOVES_APART:
            # events come in hundreds a second, and a report follows the last: not each changes the revision
            self._moved_at = now
            self.revision += 1
        key = (event.target, event.pair)
        if event.kind in _ENDED or (event.kind is EventKind.ADOPTED and event.stage in FINAL):
            self._open.pop(key, None)
        elif event.kind is EventKind.IMPORT_REQUESTED:
            if self._commit_at is not None and key not in self._open:
                seconds = (event.at - self._commit_at).total_seconds()
                self.metrics.observe_import_call(event.target, max(seconds, 0.0))
            self._open.setdefault(key, event.at)

    def asked(self, target: str, method: str, status: int | None, seconds: float) -> None:
        """Takes a call to a registry, which may have had no answer."""
        if status is not None:
            self.answered[target] = self.now()
            self.health.step()
        self.metrics.observe_request(target, method, status, seconds)

    def is_open(self, target: str) -> bool:
        """Whether an import into this target is not final yet, as far as is known."""
        return any(name == target for name, _ in list(self._open))

    def remembered(self, entries: Iterable[LedgerEntry]) -> None:
        """Takes what is not at rest in a state that was opened."""
        unfinished = {(e.target, e.pair): e.updated_at for e in entries if e.phase in _UNFINISHED}
        self._open = {key: min(at, self._open.get(key, at)) for key, at in unfinished.items()}

    def replaced(self, what: str) -> None:
        """Notes that another state was found in the place of the one that was known."""
        self.alert = what
        self.revision += 1
        self.metrics.count("state_replaced")

    def take_lease_snapshot(self, lease_snapshot: LeaseSnapshot, led: Collection[str]) -> bool:
        """Takes who leads what; whether what is remembered has changed meanwhile, by whichever process.

        `led` are the targets that this process leads.
        """
        before, self.lease_snapshot = self.lease_snapshot, lease_snapshot
        if before is None or self._leaders(before) != self._leaders(lease_snapshot) or self.led != led:
            self.revision += 1
        self.led = frozenset(led)
        for target in self.targets:
            lease = lease_snapshot.lease(target)
            self.metrics.set("leader", target in led, target)
            self.metrics.set("lease_epoch", lease.epoch if lease else 0, target)
        moved = before is None or before.revision != lease_snapshot.revision
        self.revision += moved
        return moved

    def role(self) -> str:
        """What `/readyz` says of a process that is ready."""
        leader = self.leader()
        return READY if leader is None or self.led else f"standby: {leader} leads"

    def leader(self) -> str | None:
        """Who leads, in words; None where there are no leases."""
        if self.lease_snapshot is None:
            return None
        leaders = self._leaders(self.lease_snapshot)
        if len(set(leaders.values())) == 1:
            return next(iter(leaders.values()))
        return ", ".join(f"{target}: {leader}" for target, leader in leaders.items())

    def _leaders(self, lease_snapshot: LeaseSnapshot) -> dict[str, str]:
        leases = {target: lease_snapshot.leader(target) for target in self.targets}
        return {target: lease.leader if lease else "nobody" for target, lease in leases.items()}

    def take_backlogs(self, backlogs: Mapping[str, Backlog]) -> None:
        """Takes what waits for each sink."""
        self.backlogs = backlogs

    def undelivered(self) -> tuple[str, ...]:
        """A line for each sink that did not take its last message."""
        return tuple(
            f"Messages to {name} are not delivered: {many(backlog.number, 'message waits', 'messages wait')} "
            f"since {shown_time(backlog.oldest)}. {backlog.error}"
            for name, backlog in self.backlogs.items()
            if backlog.error is not None and backlog.oldest is not None
        )

    def scrape(self) -> bytes:
        """The metrics as they are now."""
        if self.health.not_alive():
            self.metrics.observe_outage()
        self.metrics.set("state_up", self.health.state_problem is None)
        now = self.now()
        for name, backlog in self.backlogs.items():
            age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
            self.metrics.observe_backlog(name, backlog.number, age)
        ages = [(now - at).total_seconds() for at in list(self._open.values())]
        self.metrics.set("oldest_unfinished_import_seconds", max(ages, default=0.0))
        return self.metrics.render()

    def problem(self) -> str | None:
        """Why what the page shows may be old. What else a person has to know is a note in the next report."""
        why = self.health.not_ready()
        return "; ".join(filter(None, [why, self.alert])) if why else None
