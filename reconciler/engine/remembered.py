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

_MOVING = {Verdict.IMPORT, Verdict.PUBLISHING, Verdict.WAITING, Verdict.FAILED, Verdict.MISSING}


def refreshed(report: Report, ledger: Ledger, targets: Collection[str]) -> Report:
    """The report with what became of its unfinished models, for these targets only."""
    entries = {name: ledger.entries(name) for name in targets}

    def now(item: Item) -> Item:
        entry = entries[item.target].get(item.pair) if item.pair else None
        if item.verdict not in _MOVING or entry is None:
            return item
        return after(item, entry, entry.updated_at)

    items = tuple(now(item) for item in report.items if item.target in entries)
    failures = tuple(failure for failure in report.failures if failure.target in entries)
    return replace(report, items=items, failures=failures)
