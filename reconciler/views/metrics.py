"""What a monitoring system asks for, in Prometheus' text format, from a registry of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from reconciler.engine.trust import is_held_commit
from reconciler.engine.values import EventKind, Verdict
from reconciler.printable import printable
from reconciler.views.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from prometheus_client import CollectorRegistry

    from reconciler.engine.values import Event, Report

Result = Literal["success", "error", "noop"]

CONTENT_TYPE = "text/plain; version=1.0.0; charset=utf-8"

_IMPORT_OUTCOMES = frozenset(
    {
        EventKind.IMPORTED,
        EventKind.ADOPTED,
        EventKind.REJECTED,
        EventKind.POSTPONED,
        EventKind.UNKNOWN,
        EventKind.NOT_FOUND,
        EventKind.PUBLISHED,
        EventKind.FAILED,
    }
)
_BAD_REQUEST = 400
_COMMIT_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
_TICK_BUCKETS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Counts what happens. Safe to use from several threads; nothing is shared between two of them.

    Names begin with `reconciler_`; verdicts, outcomes and results are the words of every other output. All
    durations are seconds and all timestamps seconds since the epoch.
    """

    def __init__(self, version: str, targets: Iterable[str] = (), sinks: Iterable[str] = ()) -> None:
        """Every series of these targets and sinks exists from the start: of times that never were, 0."""
        from prometheus_client import (  # noqa: PLC0415 - slow
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            disable_created_metrics,
        )

        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which says when this process began
        own = CollectorRegistry()
        self._registry = own
        self._targets: set[str] = set(targets)
        self._models = Gauge("reconciler_models", "Models by verdict.", ["target", "verdict"], registry=own)
        self._up = Gauge(
            "reconciler_target_up",
            "1 if the last cycle reconciled the target, and ticks still end.",
            ["target"],
            registry=own,
        )
        self._state_up = Gauge(
            "reconciler_state_up", "1 while the state is held and can be used.", registry=own
        )
        self._leads = Gauge(
            "reconciler_leader",
            "1 while this replica leads the target; without replicas always 0.",
            ["target"],
            registry=own,
        )
        self._epoch = Gauge(
            "reconciler_lease_epoch",
            "How often the lease of the target was taken, by whichever replica.",
            ["target"],
            registry=own,
        )
        self._replaced = Counter(
            "reconciler_state_replaced",
            "Times that another state was found in the place of ours.",
            registry=own,
        )
        self._git_at = Gauge(
            "reconciler_git_last_success_timestamp_seconds", "When git last answered.", registry=own
        )
        self._registry_at = Gauge(
            "reconciler_registry_last_success_timestamp_seconds",
            "When the registry last answered a question.",
            ["target"],
            registry=own,
        )
        self._oldest = Gauge(
            "reconciler_oldest_unfinished_import_seconds",
            "Age of the oldest import that is not final; 0 when there is none.",
            registry=own,
        )
        self._missed = Counter(
            "reconciler_missed_ticks",
            "Times that the schedule could not start a tick when it was due.",
            registry=own,
        )
        self._ticks = Counter("reconciler_ticks", "Ticks by result.", ["result"], registry=own)
        self._durations = Histogram(
            "reconciler_tick_duration_seconds", "Time a tick took.", buckets=_TICK_BUCKETS, registry=own
        )
        self._last_tick = Gauge("reconciler_last_tick_timestamp_seconds", "End of last tick.", registry=own)
        self._last_success = Gauge(
            "reconciler_last_success_timestamp_seconds", "End of the last tick without error.", registry=own
        )
        self._imports = Counter(
            "reconciler_imports", "Imports by outcome.", ["target", "outcome"], registry=own
        )
        self._commit_to_import = Histogram(
            "reconciler_commit_to_import_seconds",
            "Time from when a new commit was seen to the import call of what it declares.",
            ["target"],
            buckets=_COMMIT_BUCKETS,
            registry=own,
        )
        self._requests = Counter(
            "reconciler_registry_requests",
            "Calls to registries.",
            ["target", "method", "status"],
            registry=own,
        )
        self._latency = Histogram(
            "reconciler_registry_request_seconds", "Time a call took.", ["target", "method"], registry=own
        )
        self._disagreements = Gauge(
            "reconciler_index_disagreements", "Index entries that differ from git (expected 0).", registry=own
        )
        self._deliveries = Counter(
            "reconciler_webhook_deliveries", "Deliveries of git hosts by result.", ["result"], registry=own
        )
        self._held = Gauge(
            "reconciler_commit_held", "1 while the newest commit is not trusted and is held.", registry=own
        )
        self._start_sinks(map(printable, sinks), own)
        for result in ("accepted", "repeated", "refused"):
            self._deliveries.labels(result)
        build = Gauge("reconciler_build_info", "Always 1; the label tells.", ["version"], registry=own)
        build.labels(printable(version)).set(1)
        for result in ("success", "error", "noop"):
            self._ticks.labels(result)
        for target in self._targets:
            self._start(printable(target))

    def observe_lease(self, target: str, *, leads: bool, epoch: int) -> None:
        """Takes who leads a target."""
        self._leads.labels(printable(target)).set(int(leads))
        self._epoch.labels(printable(target)).set(epoch)

    def _start(self, target: str) -> None:
        self._leads.labels(target)
        self._epoch.labels(target)
        self._up.labels(target)
        self._registry_at.labels(target)
        self._commit_to_import.labels(target)
        for method in ("GET", "POST"):
            self._latency.labels(target, method)
            for status in ("200", "none"):
                self._requests.labels(target, method, status)
        for verdict in Verdict:
            self._models.labels(target, verdict.value)
        for outcome in _IMPORT_OUTCOMES:
            self._imports.labels(target, outcome.value)

    def _start_sinks(self, sinks: Iterable[str], own: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge  # noqa: PLC0415 - slow

        self._sent = Counter("reconciler_notify_sent", "Messages a sink took.", ["sink"], registry=own)
        self._failed = Counter(
            "reconciler_notify_failed", "Attempts to send that failed.", ["sink"], registry=own
        )
        self._pending = Gauge(
            "reconciler_notify_pending", "Messages that a sink has not taken yet.", ["sink"], registry=own
        )
        self._oldest_pending = Gauge(
            "reconciler_notify_oldest_pending_seconds",
            "Age of the oldest message that a sink has not taken yet; 0 when there is none.",
            ["sink"],
            registry=own,
        )
        for sink in sinks:
            for metric in (self._sent, self._failed, self._pending, self._oldest_pending):
                metric.labels(sink)

    def observe_report(self, report: Report) -> None:
        """Sets how many models have each verdict, 0 included.

        A target that could not be reconciled keeps its last numbers, and its `reconciler_target_up` is 0.
        """
        self._held.set(any(is_held_commit(item) for item in report.items))
        failed = {failure.target for failure in report.failures}
        self._targets |= failed | {target for target, _ in report.counted()}
        for target in self._targets:
            self._up.labels(printable(target)).set(target not in failed)
            if target in failed:
                continue
            for verdict, number in count(report, target).items():
                self._models.labels(printable(target), verdict.value).set(number)

    def observe_outage(self) -> None:
        """No target was reconciled: git or the state is away, or a tick does not end."""
        for target in self._targets:
            self._up.labels(printable(target)).set(0)

    def observe_state(self, *, up: bool) -> None:
        """Whether the state is held and can be used."""
        self._state_up.set(up)

    def observe_replaced_state(self) -> None:
        """Another state was found in the place of the one that this process knew."""
        self._replaced.inc()

    def observe_git(self, at: datetime) -> None:
        """Git answered."""
        self._git_at.set(at.timestamp())

    def observe_unfinished(self, seconds: float) -> None:
        """Takes the age of the oldest import that is not final; 0 when there is none."""
        self._oldest.set(seconds)

    def observe_missed_tick(self) -> None:
        """Counts one time that the schedule could not start a tick when it was due."""
        self._missed.inc()

    def observe_audits(self, disagreements: int) -> None:
        """Takes how many files the index was found to have wrong since the start."""
        self._disagreements.set(disagreements)

    def observe_delivery(self, result: str) -> None:
        """Counts one delivery of a git host: accepted, repeated or refused."""
        self._deliveries.labels(result).inc()

    def observe_tick(self, result: Result, seconds: float, ended_at: datetime) -> None:
        """Counts one tick; a tick with nothing to do is a success too."""
        self._ticks.labels(result).inc()
        self._durations.observe(seconds)
        self._last_tick.set(ended_at.timestamp())
        if result != "error":
            self._last_success.set(ended_at.timestamp())

    def observe_message(self, sink: str, taken: bool) -> None:
        """Counts one attempt to send a message, or a digest of several, to a sink."""
        (self._sent if taken else self._failed).labels(printable(sink)).inc()

    def observe_backlog(self, sink: str, number: int, age: float) -> None:
        """Takes how many messages wait for a sink, and the age of the oldest in seconds."""
        self._pending.labels(printable(sink)).set(number)
        self._oldest_pending.labels(printable(sink)).set(age)

    def observe_events(self, events: Iterable[Event]) -> None:
        """Counts those events that tell what became of an import."""
        for event in events:
            if event.kind in _IMPORT_OUTCOMES:
                self._imports.labels(printable(event.target), event.kind.value).inc()

    def observe_import_call(self, target: str, seconds: float) -> None:
        """Takes the time from when a commit was seen to an import call of what it declares."""
        self._commit_to_import.labels(printable(target)).observe(seconds)

    def observe_request(self, target: str, method: str, status: int | None, seconds: float) -> None:
        """Counts one call to a registry; a status of None means that no answer came."""
        label = "none" if status is None else str(status)
        self._requests.labels(printable(target), printable(method), label).inc()
        self._latency.labels(printable(target), printable(method)).observe(seconds)
        if status is not None and status < _BAD_REQUEST:
            self._registry_at.labels(printable(target)).set_to_current_time()

    def render(self) -> bytes:
        """The page that a scrape gets; its type is `CONTENT_TYPE`."""
        from prometheus_client import generate_latest  # noqa: PLC0415 - slow

        return generate_latest(self._registry)
