"""What is known without a request: the last report and the journal, as `status` shows them, offline.

For an earlier moment, the registry is assumed to have had what the journal says. What is not in the journal,
such as models that were never declared, is not shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.plan import apply_entry, verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.reasons import is_unreadable
from reconciler.engine.values import (
    UNDER_WAY,
    EventKind,
    LedgerEntry,
    ModelState,
    ObservedModel,
    Phase,
    Report,
    Stage,
    Verdict,
)
from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Journal, Reports
    from reconciler.engine.values import Desired, LastCommit, VerdictKey


_MOVING = UNDER_WAY | {Verdict.FAILED, Verdict.MISSING}


def refreshed(report: Report, journal: Journal, targets: Collection[str]) -> Report:
    """The report with what became of its unfinished models, for these targets only."""
    moving = {
        name: [
            item.pair
            for item in report.items
            if item.target == name and item.verdict in _MOVING and item.pair
        ]
        for name in targets
    }
    entries = {name: journal.entries(name, pairs) for name, pairs in moving.items()}

    def now(item: ModelState) -> ModelState:
        entry = entries[item.target].get(item.pair) if item.pair else None
        if item.verdict not in _MOVING or entry is None or is_unreadable(item):
            return item
        later = apply_entry(item, entry, entry.updated_at)
        return later if later.verdict is item.verdict else later._replace(since=entry.updated_at)

    items = tuple(now(item) for item in report.items if item.target in entries)
    failures = tuple(failure for failure in report.failures if failure.target in entries)
    unlisted = {key: number for key, number in report.unlisted.items() if key[0] in entries}
    return replace(report, items=items, failures=failures, unlisted=unlisted)


def begun(journal: Journal, targets: Iterable[str]) -> Report:
    """What the journal tells where no cycle has ended yet, such as after a first one that was killed."""
    entries = [entry for target in targets for entry in journal.entries(target).values()]
    return Report("", "", verdicts_of_journal(entries))


def _asked(entry: LedgerEntry) -> ModelState:
    """A model as it was when its import was asked for."""
    return ModelState(
        entry.target,
        Verdict.IMPORT,
        *entry.pair,
        entry.path,
        entry.line,
        entry.commit,
        entry.author,
        digest=entry.digest,
        since=entry.updated_at,
    )


def dated(
    items: tuple[ModelState, ...], since: Mapping[VerdictKey, datetime], now: datetime | None
) -> tuple[ModelState, ...]:
    """The items with the moment since when each has its verdict: its own, the one remembered, or else now."""
    if not since:
        return tuple([item.dated(item.since or now) for item in items])
    return tuple([item.dated(item.since or since.get(item.verdict_key, now)) for item in items])


def full(report: Report, reports: Reports, targets: Collection[str]) -> Report:
    """The report with all models of these targets, also those that its cycle did not judge."""
    last = reports.last_report()
    if last is None or not report.unlisted:
        return report
    return replace(report, items=tuple(item for item in last.items if item.target in targets), unlisted={})


def refresh(journal: Journal, reports: Reports, epochs: Mapping[str, int | None]) -> None:
    """Brings the remembered verdicts of these targets up to what was journalled since.

    `epochs` are those of the leases under which it is done.
    """
    targets = epochs.keys()
    last = reports.last_report(whole=False)
    if last is None:
        return
    now, before = refreshed(last, journal, targets).items, set(last.items)
    changed = {
        name: {i.pair for i in now if i.target == name and i.pair and i not in before} for name in targets
    }
    reported = tuple(
        i for i in now if i.verdict is Verdict.INVALID or i.pair is None or i.pair in changed[i.target]
    )
    reports.save_report(replace(last, items=reported), changed, {}, epochs)


_UNKNOWN = Reason("not-journalled", "the journal knew nothing of it then", severity="warning")


def verdicts_then(
    target: str,
    desired: Desired,
    last_commits: Mapping[tuple[str, int], LastCommit],
    entries: Mapping[ModelKey, LedgerEntry],
    moment: datetime,
) -> tuple[ModelState, ...]:
    """The verdicts on one target's models, sorted.

    `last_commits` are by path and line. What was due after the moment had not been done.
    """
    observed = _observed(entries.values())
    inputs = PlannerInput(
        target, desired, moment, observed=observed, entries=entries, last_commits=last_commits
    )
    return tuple(_as_journalled(item, entries, desired.manifests) for item in verdicts(inputs))


def verdicts_of_journal(entries: Collection[LedgerEntry]) -> tuple[ModelState, ...]:
    """The same where git cannot tell what was declared."""
    items = [apply_entry(_asked(entry), entry, entry.updated_at) for entry in entries]
    return tuple(sorted(items, key=ModelState.sort_key))


def _observed(entries: Collection[LedgerEntry]) -> dict[ModelKey, list[ObservedModel]]:
    return {
        entry.pair: [
            ObservedModel(entry.model_id, entry.pair, entry.model_status, stage=entry.stage or Stage.PENDING)
        ]
        for entry in entries
        if entry.phase is Phase.REGISTERED and entry.last is not EventKind.MISSING and entry.model_id
    }


def _as_journalled(
    item: ModelState, entries: Mapping[ModelKey, LedgerEntry], manifests: Collection[ModelKey]
) -> ModelState:
    """The item as its entry tells it: what was compared then is known by the event alone."""
    if item.verdict is Verdict.INVALID:  # also beside a sound document of the same pair
        return item
    entry = entries.get(item.pair) if item.pair is not None else None
    if entry is None:
        unknown = item.verdict is Verdict.IMPORT
        return item._replace(reasons=(*item.reasons, _UNKNOWN)) if unknown else item
    if entry.pair in manifests and entry.phase is Phase.REGISTERED:
        item = apply_entry(item, entry, entry.updated_at)
    return item._replace(since=entry.updated_at)
