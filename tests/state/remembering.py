"""Reports as a cycle over every model saves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.engine.values import Report
    from reconciler.state import SqlLedger


def remember(ledger: SqlLedger, report: Report) -> None:
    """Saves a report that speaks of everything in its targets, and in the one called `local`."""
    targets = {"local", *(item.target for item in report.items)}
    ledger.save_report(report, dict.fromkeys(targets), {})
