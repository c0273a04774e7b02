"""Whether a cycle has left anything to do. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.engine.values import AT_REST, IdleMark, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.engine.options import Target
    from reconciler.engine.values import Report


def idle_mark(  # noqa: PLR0913 - what rest depends on
    report: Report,
    targets: Iterable[Target],
    began: datetime,
    due: datetime | None,
    position: int,
    *,
    lists: Mapping[str, str],
) -> IdleMark | None:
    """That nothing is left to do after the cycle that made this report; None when something is.

    Of a target with few models the list belongs to it, which is looked at each time (see
    `Target.judge_all_below`); what a person was told stands in the way then, so that it is told again.

    Args:
        report: of a cycle over these targets.
        targets: those that this process leads, or all.
        began: when the cycle began.
        due: the earliest moment at which a cycle has something to do although git did not change.
        position: of the journal after the cycle.
        lists: by target, the digest of the list that its registry has after the cycle, as far as it is known.
    """
    numbers, sizes = Counter[Verdict](), Counter[str]()
    for (target, verdict), number in report.counted().items():
        numbers[verdict] += number
        sizes[target] += number
    few = {target.name for target in targets if sizes[target.name] < target.judge_all_below}
    if not few <= lists.keys() or (few and report.notes):
        return None
    if report.failures or due is None or not AT_REST.issuperset(numbers):
        return None
    looked_at = {name: lists[name] for name in few}
    return IdleMark(began, due, report.commit, report.digest, position, numbers, looked_at)
