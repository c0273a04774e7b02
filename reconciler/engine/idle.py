"""Whether a cycle has left anything to do, and how a list is recognised in which nothing has moved. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.engine.values import AT_REST, IdleMark, ModelState, ObservedModel, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.engine.options import Target
    from reconciler.engine.planner_input import PlannerInput


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


_NOT_THERE = ""


def list_digest(models: Iterable[ObservedModel]) -> str:
    """Differs when any model, its pair or its status differs; the order given does not matter."""
    lines = sorted(repr((model.model_id, *model.pair, model.status)) for model in models)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def standing_list(view: PlannerInput, items: Iterable[ModelState]) -> str | None:
    """The digest of the list that a cycle saw; None where what the cycle did has made it another."""
    models = [model for several in view.observed.values() for model in several]
    status = {model.model_id: model.status for model in models}
    moved = (
        item.model_id is not None and status.get(item.model_id, _NOT_THERE) not in (None, item.model_status)
        for item in items
    )
    return None if any(moved) else list_digest(models)
