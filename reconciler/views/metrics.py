"""What a monitoring system asks for, in Prometheus' text format, from a registry of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from reconciler.engine.trust import is_held_commit
from reconciler.engine.values import EventKind, Verdict
from reconciler.printable import printable
from reconciler.views.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

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
_TARGET = ("target",)
_SINK = ("sink",)
_Described = dict[str, tuple[str, tuple[str, ...]]]

# By name, without the `reconciler_` that each begins with: what it tells, and its labels.
_GAUGES: _Described = {
    "models": ("Models by verdict.", ("target", "verdict")),
    "target_up": ("1 if the last cycle reconciled the target, and ticks still end.", _TARGET),
    "state_up": ("1 while the state is held and can be used.", ()),
    "leader": ("1 while this replica leads the target; without replicas always 0.", _TARGET),
    "lease_epoch": ("How often the lease of the target was taken, by whichever replica.", _TARGET),
    "git_last_success_timestamp_seconds": ("When git last answered.", ()),
    "registry_last_success_timestamp_seconds": ("When the registry last answered a question.", _TARGET),
    "oldest_unfinished_import_seconds": (
        "Age of the oldest import that is not final; 0 when there is none.",
        (),
    ),
    "last_tick_timestamp_seconds": ("End of last tick.", ()),
    "last_success_timestamp_seconds": ("End of the last tick without error.", ()),
    "index_disagreements": ("Index entries that differ from git (expected 0).", ()),
    "commit_held": ("1 while the newest commit is not trusted and is held.", ()),
    "notify_pending": ("Messages that a sink has not taken yet.", _SINK),
    "notify_oldest_pending_seconds": (
        "Age of the oldest message that a sink has not taken yet; 0 when there is none.",
        _SINK,
    ),
    "build_info": ("Always 1; the label tells.", ("version",)),
}
_COUNTERS: _Described = {
    "state_replaced": ("Times that another state was found in the place of ours.", ()),
    "missed_ticks": ("Times that the schedule could not start a tick when it was due.", ()),
    "ticks": ("Ticks by result.", ("result",)),
    "imports": ("Imports by outcome.", ("target", "outcome")),
    "registry_requests": ("Calls to registries.", ("target", "method", "status")),
    "webhook_deliveries": ("Deliveries of git hosts by result.", ("result",)),
    "notify_sent": ("Messages a sink took.", _SINK),
    "notify_failed": ("Attempts to send that failed.", _SINK),
}
_HISTOGRAMS: _Described = {
    "tick_duration_seconds": ("Time a tick took.", ()),
    "commit_to_import_seconds": (
        "Time from when a new commit was seen to the import call of what it declares.",
        _TARGET,
    ),
    "registry_request_seconds": ("Time a call took.", ("target", "method")),
}
_BUCKETS = {  # where not the library's own
    "commit_to_import_seconds": (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
    "tick_duration_seconds": (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
}


class Metrics:
    """Counts what happens. Safe to use from several threads; nothing is shared between two of them.

    Names begin with `reconciler_`; verdicts, outcomes and results are the words of every other output. All
    durations are seconds and all timestamps seconds since the epoch.
    """

    def __init__(self, version: str, targets: Iterable[str] = (), sinks: Iterable[str] = ()) -> None:
        """Every series of these targets and sinks exists from the start: of times that never were, 0."""
        import prometheus_client as library  # noqa: PLC0415 - slow

        library.disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each counter, which says when this process began
        self._registry = library.CollectorRegistry()
        own: Any = {"namespace": "reconciler", "registry": self._registry}
        self._gauges = {name: library.Gauge(name, *described, **own) for name, described in _GAUGES.items()}
        self._counters = {
            name: library.Counter(name, *described, **own) for name, described in _COUNTERS.items()
        }
        self._histograms = {
            name: library.Histogram(
                name, *described, **own, buckets=_BUCKETS.get(name, library.Histogram.DEFAULT_BUCKETS)
            )
            for name, described in _HISTOGRAMS.items()
        }
        self._targets: set[str] = set(targets)
        self._gauges["build_info"].labels(printable(version)).set(1)
        for result in ("accepted", "repeated", "refused"):
            self._counters["webhook_deliveries"].labels(result)
        for result in ("success", "error", "noop"):
            self._counters["ticks"].labels(result)
        for target in self._targets:
            self._start(printable(target))
        for sink in map(printable, sinks):
            for name in ("notify_sent", "notify_failed"):
                self._counters[name].labels(sink)
            for name in ("notify_pending", "notify_oldest_pending_seconds"):
                self._gauges[name].labels(sink)

    def set(self, name: str, value: float, *labels: str) -> None:
        """Takes what a gauge of the table above is now."""
        gauge = self._gauges[name]
        (gauge.labels(*map(printable, labels)) if labels else gauge).set(value)

    def count(self, name: str, *labels: str) -> None:
        """Counts one more of what a counter of the table above tells."""
        counter = self._counters[name]
        (counter.labels(*map(printable, labels)) if labels else counter).inc()

    def _start(self, target: str) -> None:
        for name in ("leader", "lease_epoch", "target_up", "registry_last_success_timestamp_seconds"):
            self._gauges[name].labels(target)
        self._histograms["commit_to_import_seconds"].labels(target)
        for method in ("GET", "POST"):
            self._histograms["registry_request_seconds"].labels(target, method)
            for status in ("200", "none"):
                self._counters["registry_requests"].labels(target, method, status)
        for verdict in Verdict:
            self._gauges["models"].labels(target, verdict.value)
        for outcome in _IMPORT_OUTCOMES:
            self._counters["imports"].labels(target, outcome.value)

    def observe_report(self, report: Report) -> None:
        """Sets how many models have each verdict, 0 included.

        A target that could not be reconciled keeps its last numbers, and its `reconciler_target_up` is 0.
        """
        self.set("commit_held", any(is_held_commit(item) for item in report.items))
        failed = {failure.target for failure in report.failures}
        self._targets |= failed | {target for target, _ in report.counted()}
        for target in self._targets:
            self.set("target_up", target not in failed, target)
            if target in failed:
                continue
            for verdict, number in count(report, target).items():
                self.set("models", number, target, verdict.value)

    def observe_outage(self) -> None:
        """No target was reconciled: git or the state is away, or a tick does not end."""
        for target in self._targets:
            self.set("target_up", 0, target)

    def observe_tick(self, result: Result, seconds: float, ended_at: datetime) -> None:
        """Counts one tick; a tick with nothing to do is a success too."""
        self.count("ticks", result)
        self._histograms["tick_duration_seconds"].observe(seconds)
        self.set("last_tick_timestamp_seconds", ended_at.timestamp())
        if result != "error":
            self.set("last_success_timestamp_seconds", ended_at.timestamp())

    def observe_message(self, sink: str, taken: bool) -> None:
        """Counts one attempt to send a message, or a digest of several, to a sink."""
        self.count("notify_sent" if taken else "notify_failed", sink)

    def observe_backlog(self, sink: str, number: int, age: float) -> None:
        """Takes how many messages wait for a sink, and the age of the oldest in seconds."""
        self.set("notify_pending", number, sink)
        self.set("notify_oldest_pending_seconds", age, sink)

    def observe_events(self, events: Iterable[Event]) -> None:
        """Counts those events that tell what became of an import."""
        for event in events:
            if event.kind in _IMPORT_OUTCOMES:
                self.count("imports", event.target, event.kind.value)

    def observe_import_call(self, target: str, seconds: float) -> None:
        """Takes the time from when a commit was seen to an import call of what it declares."""
        self._histograms["commit_to_import_seconds"].labels(printable(target)).observe(seconds)

    def observe_request(self, target: str, method: str, status: int | None, seconds: float) -> None:
        """Counts one call to a registry; a status of None means that no answer came."""
        name, method, label = printable(target), printable(method), "none" if status is None else str(status)
        self._counters["registry_requests"].labels(name, method, label).inc()
        self._histograms["registry_request_seconds"].labels(name, method).observe(seconds)
        if status is not None and status < _BAD_REQUEST:
            self._gauges["registry_last_success_timestamp_seconds"].labels(name).set_to_current_time()

    def render(self) -> bytes:
        """The page that a scrape gets; its type is `CONTENT_TYPE`."""
        from prometheus_client import generate_latest  # noqa: PLC0415 - slow

        return generate_latest(self._registry)
