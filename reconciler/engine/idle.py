"""Whether a cycle has left anything to do. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.engine.values import AT_REST, IdleMark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.engine.options import Target
    from reconciler.engine.values import Report


def idle_mark(
    report: Report, targets: Iterable[Target], began: datetime, due: datetime | None, position: int
) -> IdleMark | None:
    """That nothing is left to do after the cycle that made this report; None when something is.

    With few models there is always something: to look at them all, see `Target.judge_all_below`.

    Args:
        report: of a cycle over these targets.
        targets: those that this process leads, or all.
        began: when the cycle began.
        due: the earliest moment at which a cycle has something to do although git did not change.
        position: of the journal after the cycle.
    """
    numbers, sizes = Counter[Verdict](), Counter[str]()
    for (target, verdict), number in report.counted().items():
        numbers[verdict] += number
        sizes[target] += number
    few = any(sizes[target.name] < target.judge_all_below for target in targets)
    if few or report.failures or due is None or not AT_REST.issuperset(numbers):
        return None
    return IdleMark(began, due, report.commit, report.digest, position, numbers)
