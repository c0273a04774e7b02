"""What a cycle leaves to the next one: the report, the verdicts, the index, and what its process keeps."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.engine.clock import CLOCK_TOLERANCE
from reconciler.engine.history import whole_history
from reconciler.engine.last_report import dated
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.reasons import are_counted
from reconciler.engine.scope import COMPARED, OBSERVED_IN_FULL, VERDICTS_BASIS, verdicts_basis
from reconciler.engine.target_run import REPOSITORY, Cycle, TargetRun
from reconciler.engine.values import AT_REST, Desired, IdleMark, ModelState, Report, Verdict
from reconciler.engine.values.models import list_digest
from reconciler.engine.verify_index import verify_index
from reconciler.errors import BudgetError
from reconciler.phrases import many
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.ports import Journal
    from reconciler.engine.ports.git import Source
    from reconciler.engine.target import Target


_ANY = "any"  # in the place of the commit: not every verdict is remembered, so that all are given anew


def clock_notes(journal: Journal, clock: Clock) -> list[str]:
    """Whether the clock stands before what the journal says has happened already.

    Nothing is decided by it: the journal's order is that of its numbers. But what waits for a moment
    waits longer, and a history with such times misleads.
    """
    newest, now = journal.newest(), clock.now()
    if newest is None or newest <= now + CLOCK_TOLERANCE:
        return []
    times = f"this clock says {shown_time(now)}, the journal's last event {shown_time(newest)}"
    return [f"{times}: set the clock; what is due later waits until then"]


def unread_notes(runs: Iterable[TargetRun]) -> list[str]:
    """Of how many models what was found before stands, since the registry could not show them now."""
    notes = []
    for run in runs:
        unread = run.inputs.unread
        kept = [item for item in run.items if item.verdict is Verdict.IN_SYNC and item.model_id in unread]
        if kept:
            number, name, first = many(len(kept), "model"), run.target.name, kept[0]
            why = f"{first.model_name}@{first.model_version}: {unread[first.model_id or '']}"
            notes.append(
                f"target {name}: {number} could not be compared now, and what was found before stands; {why}"
            )
    return notes


def without_inputs(runs: Sequence[TargetRun]) -> list[TargetRun]:
    """The runs without their inputs, which take as much memory as the verdicts where these are very many."""
    return [
        run
        if run.is_of_few
        else replace(run, inputs=PlannerInput(run.target.name, Desired({}), run.inputs.now))
        for run in runs
    ]


def judged_since(cycle: Cycle, runs: Sequence[TargetRun]) -> list[TargetRun]:
    """The runs with the moment since when each verdict stands."""
    now = cycle.clock.now() if cycle.options.act else None
    return [
        replace(run, items=dated(run.items, cycle.states.since(run.target.name, run.scope), now))
        for run in runs
    ]


def report_of(cycle: Cycle, digest: str, runs: Sequence[TargetRun], notes: tuple[str, ...]) -> Report:
    """What the cycle came to."""
    items = chain(*(run.items for run in sorted(runs, key=lambda run: run.target.name)))
    failures = tuple(run.failure for run in runs if run.failure is not None)
    return Report(cycle.commit, digest, tuple(items), failures, notes)


def with_unlisted(cycle: Cycle, report: Report, runs: Sequence[TargetRun]) -> Report:
    """The report with the number of the models that were not judged, by what is remembered of them."""
    partial = {run.target.name for run in runs if run.scope is not None or not run.is_judged}
    if not partial:
        return report
    listed = report.counted()
    numbers = {key: number - listed[key] for key, number in cycle.states.counted().items()}
    unlisted = {key: number for key, number in numbers.items() if key[0] in partial and number > 0}
    return replace(report, unlisted=unlisted)


async def remember(
    cycle: Cycle, report: Report, runs: Sequence[TargetRun], history_marks: Mapping[str, str]
) -> int:
    """Keeps the verdicts, and after them the index; how many of its files a check found wrong."""
    judged = [run for run in runs if run.is_judged]
    marks = {mark: value for run in judged for mark, value in _marks(run, report.commit).items()}
    # a commit with more than the limits allow was not reconciled: what was declared before goes on
    is_excessive = any(run.declared.excess is not None for run in runs)
    if not is_excessive and not any(item.verdict is Verdict.REFUSED for item in report.items):
        marks |= {(REPOSITORY, name): value for name, value in history_marks.items()}
    epochs = {run.target.name: run.executor.recorder.epoch for run in runs}
    # the marks in the transaction of the report: a mark without its verdicts would hide changed models
    cycle.reports.save_report(report, {run.target.name: run.scope for run in judged}, marks, epochs)
    wrong = 0
    for run in judged:
        # after the verdicts: an index at a newer commit than they are of would hide what changed between
        await cycle.git(run.declared.save, run.target.history)
        if run.verifies_index:
            wrong += await _verify_index(cycle, run.target)
    return wrong


def _marks(run: TargetRun, commit: str) -> dict[tuple[str, str], str]:
    name, now = run.target.name, run.inputs.now.isoformat()
    marks = {(name, VERDICTS_BASIS): verdicts_basis(run.target, _ANY if are_counted(run.items) else commit)}
    if run.full:
        marks[name, OBSERVED_IN_FULL] = now
    if run.compared:
        marks[name, COMPARED] = now
    return marks


async def _verify_index(cycle: Cycle, target: Target) -> int:
    """Compares the index with git; one that is wrong is made again by the next cycle."""
    wrong = await cycle.git(verify_index, cycle.source, target, cycle.clock.chance())
    if wrong:
        await cycle.git(target.index.save, None, {}, whole=True)
    else:
        await cycle.git(keep_history, cycle.source, target)
    return wrong


@dataclass(frozen=True, slots=True)
class LastCycle:
    """What a cycle leaves to the next one of its process beside what is stored; a new one begins without.

    Attributes:
        began: when it began, UTC; before the first one, when the process did.
        look_again: a cycle looks again by then, although nothing that can be noticed will have changed.
        moving: by target, the pairs whose verdict may change by itself.
        lists: by target, the digest of the list that its registry has after the cycle, as far as it is known.
        parsed: how many manifest files this process has read.
        disagreements: how many files of the index its checks found wrong; anything but 0 is a mistake of this
            program.
    """

    began: datetime
    look_again: datetime | None = None
    moving: Mapping[str, frozenset[ModelKey]] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    parsed: int = 0
    disagreements: int = 0


def last_cycle(before: LastCycle, cycle: Cycle, runs: Sequence[TargetRun], wrong: int = 0) -> LastCycle:
    """What is left after a cycle, in which a check of the index found so many files wrong.

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
    lists = {run.target.name: _registry_list_digest(run.inputs, run.items) for run in judged if run.is_of_few}
    return replace(
        last,
        moving=dict(before.moving) | {run.target.name: run.moving() for run in judged},
        lists={name: digest for name, digest in lists.items() if digest is not None},
        disagreements=before.disagreements + wrong,
    )


def idle_mark(
    report: Report, targets: Iterable[Target], last: LastCycle, due: datetime | None, position: int
) -> IdleMark | None:
    """That nothing is left to do after the cycle that made this report; None when something is.

    Of a target with few models the list belongs to it, which is looked at each time (see
    `Target.judge_all_below`); with notes in the report there is no mark, so that the next cycle shows them
    again.

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


def _registry_list_digest(inputs: PlannerInput, items: Iterable[ModelState]) -> str | None:
    """The digest of the list that a cycle saw; None where what the cycle did has made it another."""
    models = [model for several in inputs.observed.values() for model in several]
    status = {model.model_id: model.status for model in models}
    for item in items:
        # a model that is not in the list has no status, and an empty one is none that a model has
        if item.model_id is not None and status.get(item.model_id, "") not in (None, item.model_status):
            return None
    return list_digest(models)


def keep_history(source: Source, target: Target) -> None:
    """Keeps the history of the index's commit, if none is kept and it can be known. Raises SourceError."""
    index = target.index
    commit = index.base()
    if commit is None or target.history.base() == commit:
        return
    with suppress(BudgetError):
        update = whole_history(source, target.path, commit, index.parsed_files())
        if update is not None:
            index.save(commit, {}, whole=False, history=update)
