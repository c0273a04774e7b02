"""The last report brought up to date with what was journalled since: what `status` shows, offline."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.plan import after
from reconciler.engine.values import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.engine.ports import Ledger
    from reconciler.engine.values import Item, Report

MOVING = {Verdict.IMPORT, Verdict.PUBLISHING, Verdict.WAITING, Verdict.FAILED, Verdict.MISSING}


def refreshed(report: Report, ledger: Ledger, targets: Collection[str]) -> Report:
    """The report with what became of its unfinished models, for these targets only."""
    moving = {
        name: [
            item.pair for item in report.items if item.target == name and item.pair and item.verdict in MOVING
        ]
        for name in targets
    }
    entries = {name: ledger.entries(name, pairs) for name, pairs in moving.items()}

    def now(item: Item) -> Item:
        entry = entries[item.target].get(item.pair) if item.pair else None
        if item.verdict not in MOVING or entry is None:
            return item
        return after(item, entry, entry.updated_at)

    items = tuple(now(item) for item in report.items if item.target in entries)
    failures = tuple(failure for failure in report.failures if failure.target in entries)
    unlisted = {key: number for key, number in report.unlisted.items() if key[0] in entries}
    return replace(report, items=items, failures=failures, unlisted=unlisted)
