"""What stands between a plan and acting on it: a promised digest, guards, what was not seen."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from reconciler.engine.clock import CLOCK_TOLERANCE, Clock
from reconciler.engine.guards import GuardContext, Guards, guard
from reconciler.engine.lineage import RECONCILED, Lineage, trace
from reconciler.engine.plan import plan_digest
from reconciler.engine.target_run import REPOSITORY, Cycle, TargetRun
from reconciler.engine.trust import Hold, held
from reconciler.engine.values import EventKind, Verdict
from reconciler.errors import ConfigurationError, GuardError
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import CycleOptions
    from reconciler.engine.ports import Journal

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
    digest_now = digest_of(confirmed)
    if options.confirm != digest_now:
        raise moved("--confirm", options.confirm, digest_now)


def with_hold(runs: Sequence[TargetRun], hold: Hold | None) -> list[TargetRun]:
    """The runs, each with a refusal first, while the newest commit is not trusted."""
    return [
        run
        if hold is None or run.failure is not None
        else replace(run, items=(held(run.target.name, run.target.path, hold), *run.items))
        for run in runs
    ]


def clock_notes(journal: Journal, clock: Clock) -> list[str]:
    """Whether the clock stands before what the journal says has happened already.

    Nothing is decided by it: the journal's order is that of its numbers. But what waits for a moment
    waits longer, and a history with such times misleads.
    """
    newest, now = journal.newest(), clock.now()
    if newest is None or newest <= now + CLOCK_TOLERANCE:
        return []
    times = f"this clock says {now:%Y-%m-%d %H:%M:%SZ}, the journal's last event {newest:%Y-%m-%d %H:%M:%SZ}"
    return [f"{times}: set the clock; what is due later waits until then"]


def unread_notes(runs: Iterable[TargetRun]) -> list[str]:
    """Of how many models what was found before stands, since the registry could not show them now."""
    notes = []
    for run in runs:
        unread = run.view.unread
        kept = [item for item in run.items if item.verdict is Verdict.IN_SYNC and item.model_id in unread]
        if kept:
            number, name, first = many(len(kept), "model"), run.target.name, kept[0]
            why = f"{first.model_name}@{first.model_version}: {unread[first.model_id or '']}"
            notes.append(
                f"target {name}: {number} could not be compared now, and what was found before stands; {why}"
            )
    return notes


async def lineage_of(cycle: Cycle, runs: Sequence[TargetRun]) -> Lineage:
    """Whether the branch went on from the commit reconciled last."""
    remembered = cycle.marks.marks(REPOSITORY)
    imports = any(item.verdict is Verdict.IMPORT for run in runs for item in run.items)
    # or there were no changes
    went_on = any(run.declared.base == remembered.get(RECONCILED) for run in runs)
    is_needed = imports and not went_on
    return await cycle.git(trace, cycle.source, remembered, cycle.commit, is_needed=is_needed)


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
        f"{option} {promised} does not match the plan as it is now, {digest}: it changed since. "
        "Look at it again with `reconciler plan`"
    )
