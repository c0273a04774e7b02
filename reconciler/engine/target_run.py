"""One target on its way through one cycle: each stage makes the next value of it, and changes none.

`reconciler.engine.cycle` lists the stages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.isolation import crash_as_failure
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.scope import scope_of
from reconciler.engine.values import AT_REST, Desired, ManifestRef, ModelState, TargetFailure
from reconciler.errors import IndexLostError, ReconcilerError, SourceError, StateError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.concurrency import GitThread
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.execute import Executor
    from reconciler.engine.options import CycleOptions
    from reconciler.engine.ports import Journal, Marks, ModelStates, Reports
    from reconciler.engine.ports.git import Source
    from reconciler.engine.scope import DueTimes
    from reconciler.engine.target import Target
    from reconciler.manifest import Manifest

REPOSITORY = ""
"""The target of marks that belong to none."""

RECONCILED = "reconciled-commit"
"""The mark of none that holds the commit reconciled last."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """What every stage of one cycle works with; of what is remembered, each asks the narrow port it needs."""

    source: Source
    journal: Journal
    states: ModelStates
    reports: Reports
    marks: Marks
    clock: Clock
    git: GitThread
    due_times: DueTimes
    options: CycleOptions
    commit: str


@dataclass(frozen=True, slots=True)
class TargetRun:
    """What is known of one target so far.

    Attributes:
        scope: the models that are judged; None for all.
        position: of the journal, before what is remembered was read.
        full: everything registered is looked at, because it is time to.
        compared: models were compared that could have waited.
        verifies_index: the index is compared with git afterwards; due as often as a full look.
        look_again: a cycle looks again by then, although nothing that can be noticed will have changed.
    """

    target: Target
    executor: Executor
    declared: DesiredState
    scope: frozenset[ModelKey] | None
    inputs: PlannerInput
    position: int
    items: tuple[ModelState, ...] = ()
    failure: TargetFailure | None = None
    full: bool = False
    compared: bool = False
    verifies_index: bool = False
    look_again: datetime | None = None

    @property
    def is_judged(self) -> bool:
        """Whether there are verdicts; they stand although a later stage failed."""
        return self.failure is None or bool(self.items)

    @property
    def is_of_few(self) -> bool:
        """Whether all was judged because there is so little."""
        return self.scope is None and len(self.items) < self.target.judge_all_below

    def moving(self) -> frozenset[ModelKey]:
        """The pairs whose verdict may change by itself."""
        return frozenset(item.pair for item in self.items if item.verdict not in AT_REST and item.pair)

    def looking_again(self, moment: datetime) -> TargetRun:
        """The same, with a look by this moment at the latest."""
        return replace(self, look_again=min(self.look_again or moment, moment))


async def begin(cycle: Cycle, target: Target, executor: Executor) -> TargetRun:
    """What is declared and remembered of the models that this cycle judges."""
    reconciled = cycle.marks.marks(REPOSITORY).get(RECONCILED)
    declared = await cycle.git(
        desired_state, cycle.source, target.index, target.parser, cycle.commit, reconciled=reconciled
    )
    # a file that begins or ceases to be unreadable may hide any model: then the verdict on each is due
    hides = await cycle.git(declared.hides_otherwise)
    scope = None if hides else scope_of(cycle, target, declared)
    desired = await cycle.git(declared.desired, scope)
    position = cycle.journal.position()
    inputs = PlannerInput(
        target.name,
        desired,
        cycle.clock.now(),
        most_faults=target.parser.budgets.faults,
        entries=cycle.journal.entries(target.name, scope),
        last_commits=await cycle.git(declared.last_commits, None if scope is None else _paths(desired)),
    )
    empty = not declared.exists and not inputs.entries
    return TargetRun(
        target,
        executor,
        declared,
        scope,
        inputs,
        position,
        failure=_nothing_declared(target, cycle.commit, declared.instead) if empty else None,
        full=cycle.options.refresh or cycle.due_times.full_look_is_due(target),
        verifies_index=cycle.due_times.verification_is_due(target),
    )


async def isolate_errors(run: TargetRun, step: Callable[[TargetRun], Awaitable[TargetRun]]) -> TargetRun:
    """The target after one step; what goes wrong in it is a failure of that target alone.

    Raises:
        SourceError, StateError, IndexLostError: what all targets stand on cannot be used.
    """
    if run.failure is not None:
        return run
    name = run.target.name
    try:
        with crash_as_failure(name):
            return await step(run)
    except (SourceError, StateError, IndexLostError):
        raise
    except ReconcilerError as error:
        return replace(run, failure=TargetFailure(name, f"target {name}: {error}", error.exit_code))


async def manifests_of(
    cycle: Cycle, run: TargetRun, refs: Iterable[ManifestRef]
) -> Mapping[ModelKey, Manifest]:
    """These manifests whole."""
    return await cycle.git(run.declared.whole, list(refs))


def _paths(desired: Desired) -> frozenset[str]:
    """The files that declare something of this, or fail to."""
    conflicting = [ref for refs in desired.conflicts.values() for ref in refs]
    declared_in = {ref.path for ref in (*desired.manifests.values(), *conflicting)}
    return frozenset(declared_in.union(document.path for document in desired.invalid))


def left_behind(target: Target) -> TargetFailure:
    """Why nothing is done with a target whose earlier step is still under way."""
    return TargetFailure(
        target.name,
        f"target {target.name}: its registry has not answered what it was asked; the other targets go on "
        "meanwhile, and it is asked again once that has ended",
    )


def _nothing_declared(target: Target, commit: str, instead: str) -> TargetFailure:
    return TargetFailure(
        target.name,
        f"target {target.name}: commit {commit[:12]} has no directory {target.path}{instead}: "
        f"commit a first manifest there (`reconciler init` writes one), or set targets.{target.name}.path",
    )
