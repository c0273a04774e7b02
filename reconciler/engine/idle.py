"""What a cycle leaves to do, and how a list is recognised in which nothing has moved. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.engine.values import AT_REST, IdleMark, ModelState, ObservedModel, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import Target
    from reconciler.engine.planner_input import PlannerInput
    from reconciler.engine.target_run import Cycle, TargetRun


@dataclass(frozen=True, slots=True)
class LastCycle:
    """What a cycle leaves to the next one of its process beside what is stored; a new one begins without.

    Attributes:
        began: when it began, UTC; before the first one, when the process did.
        look_again: a cycle looks again by then, although nothing that can be noticed will have changed.
        moving: by target, the pairs whose verdict may change by itself.
        lists: by target, the digest of the list that its registry has after the cycle, as far as it is known.
        parsed: how many manifest files this process has read.
        disagreements: how many files its audits found the index to have wrong; anything but 0 is a mistake in
            here.
    """

    began: datetime
    look_again: datetime | None = None
    moving: Mapping[str, frozenset[ModelKey]] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    parsed: int = 0
    disagreements: int = 0


def last_cycle(before: LastCycle, cycle: Cycle, runs: Sequence[TargetRun], wrong: int = 0) -> LastCycle:
    """What is left after a cycle, in which an audit found so many files wrong.

    One that only planned moved no model, and says nothing of the registry's list.
    """
    last = replace(
        before,
        began=cycle.due_times.began,
        look_again=min((run.look_again for run in runs if run.look_again), default=None),
        parsed=before.parsed + sum(run.declared.parsed for run in runs),
    )
    if not cycle.options.act:
        return last
    judged = [run for run in runs if run.is_judged]
    lists = {run.target.name: standing_list(run.view, run.items) for run in judged if run.is_of_few}
    return replace(
        last,
        moving={**before.moving, **{run.target.name: _moving(run.items) for run in judged}},
        lists={name: digest for name, digest in lists.items() if digest is not None},
        disagreements=before.disagreements + wrong,
    )


def _moving(items: Iterable[ModelState]) -> frozenset[ModelKey]:
    return frozenset(item.pair for item in items if item.verdict not in AT_REST and item.pair)


def idle_mark(
    report: Report, targets: Iterable[Target], last: LastCycle, due: datetime | None, position: int
) -> IdleMark | None:
    """That nothing is left to do after the cycle that made this report; None when something is.

    Of a target with few models the list belongs to it, which is looked at each time (see
    `Target.judge_all_below`); what a person was told stands in the way then, so that it is told again.

    Args:
        report: of a cycle over these targets.
        targets: those that this process leads, or all.
        last: what the cycle left.
        due: the earliest moment at which a cycle has something to do although git did not change.
        position: of the journal after the cycle.
    """
    numbers, sizes = Counter[Verdict](), Counter[str]()
    for (target, verdict), number in report.counted().items():
        numbers[verdict] += number
        sizes[target] += number
    few = {target.name for target in targets if sizes[target.name] < target.judge_all_below}
    if not few <= last.lists.keys() or (few and report.notes):
        return None
    if report.failures or due is None or not AT_REST.issuperset(numbers):
        return None
    looked_at = {name: last.lists[name] for name in few}
    return IdleMark(last.began, due, report.commit, report.digest, position, numbers, looked_at)


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
