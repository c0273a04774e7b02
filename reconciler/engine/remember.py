"""What a cycle leaves behind: the report, the verdicts, and after them the index that they were made from."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.engine.audit import audit, keep_history
from reconciler.engine.due_times import COMPARED, OBSERVED_IN_FULL
from reconciler.engine.last_report import dated, unlisted
from reconciler.engine.planner_input import without_models
from reconciler.engine.reasons import are_counted
from reconciler.engine.scope import STANDING, standing
from reconciler.engine.target_run import REPOSITORY, Cycle, TargetRun
from reconciler.engine.values import Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.options import Target

_ANY = "any"  # in the place of the commit: not every verdict is remembered, so that all are given anew


def without_views(runs: Sequence[TargetRun]) -> list[TargetRun]:
    """The runs without what very many verdicts were made from, which takes as much memory as they do."""
    return [run if run.is_of_few else replace(run, view=without_models(run.view)) for run in runs]


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
    return replace(report, unlisted=unlisted(report, cycle.states, partial))


async def remember(
    cycle: Cycle, report: Report, runs: Sequence[TargetRun], lineage: Mapping[str, str]
) -> int:
    """Keeps the verdicts, and after them the index; how many files an audit found it to have wrong."""
    judged = [run for run in runs if run.is_judged]
    marks = {mark: value for run in judged for mark, value in _marks(run, report.commit).items()}
    held = any(run.declared.excess is not None for run in runs)  # this commit is not the one reconciled
    if not held and not any(item.verdict is Verdict.REFUSED for item in report.items):
        marks |= {(REPOSITORY, name): value for name, value in lineage.items()}
    epochs = {run.target.name: run.executor.recorder.epoch for run in runs}
    cycle.reports.save_report(report, {run.target.name: run.scope for run in judged}, marks, epochs)
    wrong = 0
    for run in judged:
        # after the verdicts: an index at a newer commit than they are of would hide what changed between
        await cycle.git(run.declared.save, run.target.history)
        if run.audited:
            wrong += await _audit(cycle, run.target)
    return wrong


def _marks(run: TargetRun, commit: str) -> dict[tuple[str, str], str]:
    name, now = run.target.name, run.view.now.isoformat()
    marks = {(name, STANDING): standing(run.target, _ANY if are_counted(run.items) else commit)}
    if run.full:
        marks[name, OBSERVED_IN_FULL] = now
    if run.compared:
        marks[name, COMPARED] = now
    return marks


async def _audit(cycle: Cycle, target: Target) -> int:
    """Holds the index to git; one that is wrong is made anew by the next cycle."""
    wrong = await cycle.git(audit, cycle.source, target, cycle.clock.chance())
    if wrong:
        await cycle.git(target.index.save, None, {}, whole=True)
    else:
        await cycle.git(keep_history, cycle.source, target)
    return wrong
