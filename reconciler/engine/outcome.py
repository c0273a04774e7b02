"""What a report comes to: the process's exit code. One table, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.values import Verdict
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.engine.values import Report


def exit_code(report: Report, *, detailed: bool = False) -> Exit:
    """The exit code for a report; what stops everything weighs more than what concerns one model.

    Args:
        report: of a plan, a cycle or `status`.
        detailed: whether pending imports, with nothing wrong, are worth a code of their own.
    """
    verdicts = {item.verdict for item in report.items}
    if report.failures:
        return Exit(max(failure.exit_code for failure in report.failures))
    if Verdict.REFUSED in verdicts:
        return Exit.REFUSED
    if any(verdict.needs_human for verdict in verdicts):
        return Exit.HUMAN
    if detailed and Verdict.IMPORT in verdicts:
        return Exit.PENDING
    return Exit.WELL
