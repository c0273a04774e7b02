"""The last report brought up to date with what was journalled since: what `status` shows, offline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.plan import apply_entry, sort_key
from reconciler.engine.reasons import is_unreadable
from reconciler.engine.values import ModelState, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from reconciler.engine.ports import Journal, Ledger, ModelStates, Reports
    from reconciler.engine.values import LedgerEntry, VerdictKey

_MOVING = {Verdict.IMPORT, Verdict.PUBLISHING, Verdict.WAITING, Verdict.FAILED, Verdict.MISSING}


def refreshed(report: Report, ledger: Journal, targets: Collection[str]) -> Report:
    """The report with what became of its unfinished models, for these targets only."""
    moving = {
        name: [
            item.pair
            for item in report.items
            if item.target == name and item.verdict in _MOVING and item.pair
        ]
        for name in targets
    }
    entries = {name: ledger.entries(name, pairs) for name, pairs in moving.items()}

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


def begun(ledger: Journal, targets: Iterable[str]) -> Report:
    """What the journal tells where no cycle has ended yet, such as after a first one that was killed."""
    entries = [entry for target in targets for entry in ledger.entries(target).values()]
    items = [apply_entry(asked(entry), entry, entry.updated_at) for entry in entries]
    return Report("", "", tuple(sorted(items, key=sort_key)))


def asked(entry: LedgerEntry) -> ModelState:
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
    """The items with the moment since when each has its verdict: the one remembered, or else now."""
    if not since:
        return tuple([item.dated(now) for item in items])
    return tuple([item.dated(since.get(item.verdict_key, now)) for item in items])


def full(report: Report, ledger: Reports, targets: Collection[str]) -> Report:
    """The report with all models of these targets, also those that its cycle did not judge."""
    last = ledger.last_report()
    if last is None or not report.unlisted:
        return report
    return replace(report, items=tuple(item for item in last.items if item.target in targets), unlisted={})


def summary(ledger: Ledger) -> Report | None:
    """The newest report without its models, in numbers; None when no cycle has finished."""
    report = ledger.last_report(whole=False)
    return None if report is None else replace(report, items=(), unlisted=ledger.counted())


def unlisted(report: Report, ledger: ModelStates, targets: Collection[str]) -> dict[tuple[str, Verdict], int]:
    """How many models of these targets the report does not list, by what is remembered of them."""
    if not targets:
        return {}
    listed = report.counted()
    numbers = {key: number - listed[key] for key, number in ledger.counted().items()}
    return {key: number for key, number in numbers.items() if key[0] in targets and number > 0}


def refresh(ledger: Ledger, epochs: Mapping[str, int | None]) -> None:
    """Brings the remembered verdicts of these targets up to what was journalled since.

    `epochs` are those of the leases under which it is done.
    """
    targets = epochs.keys()
    last = ledger.last_report(whole=False)
    if last is None:
        return
    now, before = refreshed(last, ledger, targets).items, set(last.items)
    moved = {
        name: {i.pair for i in now if i.target == name and i.pair and i not in before} for name in targets
    }
    spoken = tuple(
        i for i in now if i.verdict is Verdict.INVALID or i.pair is None or i.pair in moved[i.target]
    )
    ledger.save_report(replace(last, items=spoken), moved, {}, epochs)
