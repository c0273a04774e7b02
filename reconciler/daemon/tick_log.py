"""The log lines of each tick, and of each model that begins or ceases to need a human.

When the loop starts, one line counts the models that needed a human before, as the state remembers them; they
are not logged one by one again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.engine.episodes import Subject, subject_of
from reconciler.log import log
from reconciler.views.words import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.daemon.cycle_job import Tick
    from reconciler.engine.ports import Journal, Reports
    from reconciler.engine.values import ModelState, Verdict


LINES = 50
"""So many models are named after one cycle, of those that began or ceased to need a human."""


@dataclass(slots=True)
class Attention:
    """Which models need a human, as far as it was logged."""

    _held: dict[Subject, ModelState] | None = None

    def recall(self, reports: Reports) -> None:
        """Takes the models that the state remembers as logged, once; logs how many there are."""
        if self._held is not None:
            return
        report = reports.last_report(whole=False)
        self._held = _held(report.items if report else ())
        if self._held:
            numbers = Counter(item.verdict for item in self._held.values())
            log.warning("models needed attention before this start", **_counts(numbers))

    def observe(self, items: Sequence[ModelState], targets: Collection[str], journal: Journal) -> None:
        """Logs what has changed.

        `targets` were judged, and the items are all models that need a human: a model of theirs that is not
        among the items has ceased to.
        """
        before = self._held or {}
        now = _held(item for item in items if item.target in targets)
        kept = {subject: item for subject, item in before.items() if subject.target not in targets}
        self._held = kept | now
        earlier = {key: (item.verdict, item.since) for key, item in before.items()}
        news = [item for key, item in now.items() if earlier.get(key) != (item.verdict, item.since)]
        gone = [item for key, item in before.items() if key not in self._held]
        verdicts = {subject_of(item): item.verdict.value for item in items}
        for item in news[:LINES]:
            log.warning("model needs attention", **_facts(item, journal))
        for item in gone[:LINES]:
            verdict = verdicts.get(subject_of(item))  # None: no longer declared
            log.info(
                "model needs no attention any more",
                **named(item) | {"path": item.path, "verdict": verdict, "was": item.verdict.value},
            )
        if len(news) > LINES:
            log.warning("more models need attention", **_counts(Counter(i.verdict for i in news[LINES:])))
        if len(gone) > LINES:
            log.info("more models need no attention any more", models=len(gone) - LINES)


def _facts(item: ModelState, journal: Journal) -> dict[str, Any]:
    """All that it takes to find the model, its manifest and its import."""
    entry = journal.entry(item.target, item.pair) if item.pair else None
    reason = item.reasons[0] if item.reasons else None
    return {
        **named(item),
        "path": item.path,
        "line": item.line,
        "author": item.author,
        "commit": item.commit,
        "model_id": item.model_id,
        "request_id": entry.request_id if entry else None,
        "code": reason.code if reason else None,
        "reason": reason.message if reason else None,
    }


def _held(items: Iterable[ModelState]) -> dict[Subject, ModelState]:
    """Those that need a human; one whose name is not known goes by its file."""
    return {subject_of(item): item for item in items if item.verdict.is_held}


def named(item: ModelState) -> dict[str, Any]:
    """The model and its verdict, as facts of a log line."""
    return {
        "target": item.target,
        "model_name": item.model_name,
        "model_version": item.model_version,
        "verdict": item.verdict.value,
    }


def _counts(numbers: Counter[Verdict]) -> dict[str, int]:
    return {word(verdict): number for verdict, number in numbers.items()}


def word(kind: str) -> str:
    """A kind of event or verdict, as the key of a fact in the log."""
    return kind.replace("-", "_")


def tell(tick: Tick, done: dict[str, int]) -> None:
    """One log line a tick: what was seen and what was done; a tick with nothing to do only when debugging."""
    facts: dict[str, object] = {"why": tick.why, "seconds": round(tick.seconds, 3), **done}
    if tick.report is not None:
        seen = {word(verdict): number for verdict, number in count(tick.report).items() if number}
        facts = {"commit": tick.report.commit[:12], **seen, **facts}
    if tick.error is not None:
        log.error("tick failed", error=tick.error, **facts)
    elif tick.report is None:
        log.debug("tick: nothing to do", **facts)
    else:
        log.info("tick", **facts)
