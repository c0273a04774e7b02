"""What stands between a plan and acting on it: the expected digest, guards, a branch that was rewritten.

A refusal names the knob that allows it for good, and the digest with which `apply --confirm` goes through
once. What is followed is remembered with the commit reconciled last. Another branch or repository in the
settings need not contain that commit: a note says so once. Where history is cut off, what
commits say of their parents is remembered, so that a rewritten branch is recognised although most of the past
is not there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from reconciler.engine.plan import plan_digest
from reconciler.engine.reasons import NO_LONGER_DECLARED
from reconciler.engine.target_run import RECONCILED, REPOSITORY, Cycle, TargetRun
from reconciler.engine.trust import Hold, held
from reconciler.engine.values import EventKind, ModelState, Verdict
from reconciler.errors import ConfigurationError, GuardError
from reconciler.manifest import Reason
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import CycleOptions
    from reconciler.engine.ports.git import Source

_FOLLOWED = "reconciled-source"
_BEFORE = "reconciled-before"
"""The marks that belong to the commit reconciled last: what was followed, and what came before it."""

_REMEMBERED = 50  # commits that came before; enough for as many cycles between two clones
_RELEASED = frozenset({EventKind.RELEASED, EventKind.DELETED})


@dataclass(frozen=True, slots=True)
class Guards:
    """The knobs, by the names they have in `[guards]`; docs/configuration.md says what each allows."""

    max_imports_per_cycle: int = 100
    max_disappearances: int = 3
    allow_empty: bool = False
    allow_rewritten_history: bool = False


@dataclass(frozen=True, slots=True)
class GuardContext:
    """What the guards look at beside the plan itself.

    Attributes:
        lost_commit: the commit reconciled last, when the branch does not contain it any more.
        empty: of the targets with models that nothing declares, those that declare nothing at all.
        admitted: what earlier cycles let through, or `retry` released: the guards on new imports do not
        refuse it.
    """

    lost_commit: str | None = None
    disappearances: Mapping[tuple[str, ModelKey], int] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    admitted: frozenset[tuple[str, ModelKey]] = frozenset()

    def is_new(self, item: ModelState) -> bool:
        """Whether this is an import that no earlier cycle let through."""
        return item.verdict is Verdict.IMPORT and (item.target, item.pair) not in self.admitted


def guard(
    items: Sequence[ModelState], guards: Guards, context: GuardContext, digest: str
) -> tuple[ModelState, ...]:
    """The items, with a refusal in place of what a guard holds back."""
    imports = sum(map(context.is_new, items))
    emptied = frozenset() if guards.allow_empty else context.empty

    def objection(item: ModelState) -> tuple[str, str] | None:
        if item.verdict is Verdict.UNMANAGED and item.target in emptied and _was_declared(item):
            return "allow_empty", "no manifest is left in this target's directory"
        return _to_import(item, imports, guards, context) if item.verdict is Verdict.IMPORT else None

    return tuple(_refused(item, reason, digest) if (reason := objection(item)) else item for item in items)


def _was_declared(item: ModelState) -> bool:
    return any(reason.code == NO_LONGER_DECLARED for reason in item.reasons)


def _to_import(
    item: ModelState, imports: int, guards: Guards, context: GuardContext
) -> tuple[str, str] | None:
    """The knob that holds an import back, and why; None lets it through."""
    vanished = context.disappearances.get((item.target, item.pair), 0) if item.pair else 0
    if vanished >= guards.max_disappearances:
        return "max_disappearances", f"it has vanished from the registry {many(vanished, 'time')}"
    if not context.is_new(item):
        return None
    if imports > guards.max_imports_per_cycle:
        allowed = guards.max_imports_per_cycle
        why = f"{many(imports, 'import')} in one cycle, and guards.max_imports_per_cycle is {allowed}"
        return "max_imports_per_cycle", why
    if context.lost_commit is not None and not guards.allow_rewritten_history:
        lost = context.lost_commit[:12]
        why = f"the branch no longer contains {lost}, the commit reconciled last (force-push)"
        return "allow_rewritten_history", why
    return None


def _refused(item: ModelState, objection: tuple[str, str], digest: str) -> ModelState:
    knob, why = objection
    message = (
        f"{why}: if that is meant, set guards.{knob}, or allow it this one time with "
        f"`reconciler apply --confirm {digest}`"
    )
    reason = Reason(knob.replace("_", "-"), message, item.path, item.line)
    return item._replace(verdict=Verdict.REFUSED, reasons=(reason, *item.reasons))


@dataclass(frozen=True, slots=True)
class HistoryCheck:
    """Whether the commit of a cycle contains the one reconciled last.

    Attributes:
        lost_commit: the commit reconciled last, when the branch does not contain it any more.
        marks: what to remember once nothing is refused.
    """

    lost_commit: str | None
    notes: tuple[str, ...]
    marks: Mapping[str, str]


def compare_with_last_commit(
    source: Source, remembered: Mapping[str, str], commit: str, *, is_needed: bool
) -> HistoryCheck:
    """Whether `commit` contains the commit that is remembered. Used from the thread that git runs in.

    Git is asked only where something depends on it (`is_needed`) and the branch moved. Raises SourceError.
    """
    last, followed = remembered.get(RECONCILED), source.followed()
    marks = {RECONCILED: commit, _FOLLOWED: json.dumps(followed)}
    changed = _changed(remembered, followed)
    if last == commit:
        return HistoryCheck(None, changed, marks)
    before = remembered.get(_BEFORE, "").split()
    kept = source.contains(commit, last, before) if last is not None and is_needed else None
    if source.is_shallow():
        ancestors = [*source.parents(commit), *([str(last), *before] if kept else ())]
        marks[_BEFORE] = " ".join(list(dict.fromkeys(ancestors))[:_REMEMBERED])
    if last is None or not is_needed:
        return HistoryCheck(None, changed, marks)
    if kept is None:
        unknown = (
            f"history is cut off (shallow clone), so that nobody can tell whether the branch still contains "
            f"{last[:12]}, the commit that was reconciled last; with a full clone this is checked"
        )
        return HistoryCheck(None, (*changed, unknown), marks)
    return HistoryCheck(None if kept or changed else last, changed, marks)


def _changed(remembered: Mapping[str, str], followed: Mapping[str, str]) -> tuple[str, ...]:
    """What the settings say now that they did not say at the last reconciliation."""
    before = json.loads(remembered.get(_FOLLOWED, "{}"))
    return tuple(
        f"{setting} was changed from {before[setting]} to {value} since the last reconciliation"
        for setting, value in followed.items()
        if before.get(setting, value) != value
    )


def digest_of(runs: Collection[TargetRun]) -> str:
    """The digest of the plan of these targets."""
    return plan_digest(item for run in runs for item in run.items)


def ensure_expected(runs: Sequence[TargetRun], digest: str, options: CycleOptions) -> None:
    """Raises GuardError when the plan is not the one that the options name."""
    if options.expect not in (None, digest):
        raise plan_changed("--expect-digest", str(options.expect), digest)
    if options.confirm is None:
        return
    confirmed = [run for run in runs if options.confirms(run.target.name)]
    if not confirmed:
        names = ", ".join(run.target.name for run in runs)
        raise ConfigurationError(f"there is no target {options.confirm_target} here: the targets are {names}")
    digest_now = digest_of(confirmed)
    if options.confirm != digest_now:
        raise plan_changed("--confirm", options.confirm, digest_now)


def with_hold(runs: Sequence[TargetRun], hold: Hold | None) -> list[TargetRun]:
    """The runs, each with a refusal first, while the newest commit is not trusted."""
    return [
        run
        if hold is None or run.failure is not None
        else replace(run, items=(held(run.target.name, run.target.path, hold), *run.items))
        for run in runs
    ]


async def check_history(cycle: Cycle, runs: Sequence[TargetRun]) -> HistoryCheck:
    """Whether the branch went on from the commit reconciled last."""
    remembered = cycle.marks.marks(REPOSITORY)
    imports = any(item.verdict is Verdict.IMPORT for run in runs for item in run.items)
    # or there were no changes
    went_on = any(run.declared.base == remembered.get(RECONCILED) for run in runs)
    return await cycle.git(
        compare_with_last_commit, cycle.source, remembered, cycle.commit, is_needed=imports and not went_on
    )


async def guarded(
    cycle: Cycle, runs: Sequence[TargetRun], guards: Guards, lost_commit: str | None, digest: str
) -> list[TargetRun]:
    """The runs with refusals in the place of what the guards hold back; not of those that were confirmed."""
    unconfirmed = [run for run in runs if not cycle.options.confirms(run.target.name)]
    context = await _context(cycle, unconfirmed, lost_commit)
    items = guard([item for run in unconfirmed for item in run.items], guards, context, digest)
    mine = {target: tuple(some) for target, some in groupby(items, key=attrgetter("target"))}
    return [
        run if cycle.options.confirms(run.target.name) else replace(run, items=mine.get(run.target.name, ()))
        for run in runs
    ]


async def _context(cycle: Cycle, runs: Sequence[TargetRun], lost_commit: str | None) -> GuardContext:
    vanished = {
        (run.target.name, entry.pair): entry.disappearances
        for run in runs
        for entry in run.inputs.entries.values()
        if entry.disappearances
    }
    undeclaring = [run for run in runs if any(item.verdict is Verdict.UNMANAGED for item in run.items)]
    empty = [run.target.name for run in undeclaring if not await cycle.git(run.declared.number)]
    admitted = frozenset((run.target.name, pair) for run in runs for pair in _admitted(run))
    return GuardContext(lost_commit, vanished, frozenset(empty), admitted)


def _admitted(run: TargetRun) -> Iterator[ModelKey]:
    """The pairs to import that were requested with this very content before, or that `retry` released."""
    for item in run.items:
        entry = run.inputs.entries.get(item.pair) if item.verdict is Verdict.IMPORT and item.pair else None
        if entry is not None and (entry.last in _RELEASED or entry.digest == item.digest):
            yield entry.pair


def plan_changed(option: str, expected: str, digest: str) -> GuardError:
    """What to raise where a plan is not the expected one."""
    return GuardError(
        f"{option} {expected} does not match the plan as it is now, {digest}: it changed since. "
        "Look at it again with `reconciler plan`"
    )
