"""What stands between a plan and acting on it: the digest that was promised, and the guards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.guards import GuardContext, Guards, guard
from reconciler.engine.lineage import RECONCILED, Lineage, trace
from reconciler.engine.plan import plan_digest
from reconciler.engine.target_run import REPOSITORY
from reconciler.engine.values import EventKind, Verdict
from reconciler.errors import ConfigurationError, GuardError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import CycleOptions
    from reconciler.engine.target_run import Cycle, TargetRun

_RELEASED = frozenset({EventKind.RELEASED, EventKind.DELETED})


def digest_of(runs: Collection[TargetRun]) -> str:
    """The digest of the plan of these targets."""
    return plan_digest(item for run in runs for item in run.items)


def ensure_promised(runs: Sequence[TargetRun], digest: str, options: CycleOptions) -> None:
    """Raises GuardError when the plan is not the one that the options name."""
    if options.expect not in (None, digest):
        raise moved("--expect-digest", str(options.expect), digest)
    if options.confirm is None:
        return
    confirmed = [run for run in runs if options.confirms(run.target.name)]
    if not confirmed:
        names = ", ".join(run.target.name for run in runs)
        raise ConfigurationError(f"there is no target {options.confirm_target} here: the targets are {names}")
    known = digest_of(confirmed)
    if options.confirm != known:
        raise moved("--confirm", options.confirm, known)


async def lineage_of(cycle: Cycle, runs: Sequence[TargetRun]) -> Lineage:
    """Whether the branch went on from the commit reconciled last."""
    remembered = cycle.ledger.marks(REPOSITORY)
    imports = any(item.verdict is Verdict.IMPORT for run in runs for item in run.items)
    # or there were no changes
    went_on = any(run.declared.base == remembered.get(RECONCILED) for run in runs)
    wanted = imports and not went_on
    return await cycle.git(trace, cycle.source, remembered, cycle.commit, wanted=wanted)


async def guarded(
    cycle: Cycle, runs: Sequence[TargetRun], guards: Guards, lost_commit: str | None, digest: str
) -> list[TargetRun]:
    """The runs with refusals in the place of what the guards hold back; not of those that were confirmed."""
    held = [run for run in runs if not cycle.options.confirms(run.target.name)]
    context = await _context(cycle, held, lost_commit)
    items = guard([item for run in held for item in run.items], guards, context, digest)
    mine = {run.target.name: tuple(i for i in items if i.target == run.target.name) for run in held}
    return [replace(run, items=mine.get(run.target.name, run.items)) for run in runs]


async def _context(cycle: Cycle, runs: Sequence[TargetRun], lost_commit: str | None) -> GuardContext:
    """What the guards want to know."""
    vanished = {
        (run.target.name, entry.pair): entry.disappearances
        for run in runs
        for entry in run.view.entries.values()
        if entry.disappearances
    }
    undeclaring = [run for run in runs if any(item.verdict is Verdict.UNMANAGED for item in run.items)]
    empty = [run.target.name for run in undeclaring if not await cycle.git(run.declared.number)]
    admitted = frozenset((run.target.name, pair) for run in runs for pair in _admitted(run))
    return GuardContext(lost_commit, vanished, frozenset(empty), admitted)


def _admitted(run: TargetRun) -> Iterator[ModelKey]:
    """The pairs to import that were requested with this very content before, or that `retry` released."""
    for item in run.items:
        entry = run.view.entries.get(item.pair) if item.verdict is Verdict.IMPORT and item.pair else None
        if entry is not None and (entry.last in _RELEASED or entry.digest == item.digest):
            yield entry.pair


def moved(option: str, promised: str, digest: str) -> GuardError:
    """What to raise where a plan is not the one that was promised."""
    return GuardError(
        f"{option} {promised} does not match the plan as it is now, {digest}: something moved. "
        "Look at it again with `reconciler plan`"
    )
