"""What a report comes to: the process's exit code. One table, pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.values import Verdict
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.engine.values import Report


_PENDING = frozenset({Verdict.IMPORT, Verdict.WAITING})


def exit_code(report: Report, *, pending: bool = False) -> Exit:
    """The exit code for a report; what stops everything weighs more than what concerns one model.

    Args:
        report: of a plan, a cycle or `status`.
        pending: whether it has a code of its own that nothing is wrong, and something declared is not
            registered yet.
    """
    verdicts = {verdict for _, verdict in report.counted()}
    if report.failures:
        return Exit(max(failure.exit_code for failure in report.failures))
    if Verdict.REFUSED in verdicts:
        return Exit.REFUSED
    if any(verdict.needs_human for verdict in verdicts):
        return Exit.ATTENTION
    if pending and verdicts & _PENDING:
        return Exit.PENDING
    return Exit.OK
