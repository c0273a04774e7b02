"""What one target's verdicts ask for: what the registry showed is journalled, and new models are imported."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.engine.judge import open_manifests, with_used_versions
from reconciler.engine.observe import news
from reconciler.engine.plan import apply_entry
from reconciler.engine.target_run import Cycle, TargetRun, alone, manifests_of
from reconciler.engine.values import UNDER_WAY, LedgerEntry, ModelState, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.contract.model_key import ModelKey

_MANIFESTS_AT_ONCE = 5000


async def act(cycle: Cycle, run: TargetRun) -> TargetRun:
    """Imports what is to be imported; the items are then what that made of them, also of a part of them."""
    recorder = run.executor.recorder
    # first, so that an import that fails the target cannot keep from the journal what was seen
    stage_of = run.target.registry.vendor.stage
    events = news(run.items, run.view.entries, recorder.cycle_id, cycle.clock.now(), stage_of)
    await recorder.record(list(events))
    return _with_outcomes(cycle, await alone(run, partial(_carried_out, cycle)))


async def _carried_out(cycle: Cycle, run: TargetRun) -> TargetRun:
    await _import(cycle, run, [item for item in run.items if item.verdict is Verdict.IMPORT])
    if cycle.options.wait:
        await _see_through(cycle, run)
    drifted = run.executor.settler.drifts.keys()
    if drifted and run.scope is not None:
        return await with_used_versions(cycle, run, drifted)
    return run


async def _import(cycle: Cycle, run: TargetRun, items: Sequence[ModelState]) -> None:
    """Imports some after others, so that not all their manifests are in memory together."""
    items = [item for item in items if cycle.options.only in (None, item.pair)]
    for start in range(0, len(items), _MANIFESTS_AT_ONCE):
        some = items[start : start + _MANIFESTS_AT_ONCE]
        refs = (run.view.desired.manifests[item.pair] for item in some if item.pair)
        await run.executor.import_all(some, await manifests_of(cycle, run, refs))


async def _see_through(cycle: Cycle, run: TargetRun) -> None:
    """Waits for all outcomes; what was certainly not made is sent once more, and waited for again."""
    manifests = partial(open_manifests, cycle, run)
    await run.executor.see_through(manifests)
    open_before = {item.pair for item in run.items if item.verdict in (Verdict.IMPORT, Verdict.WAITING)}
    again = run.executor.not_made() & open_before & run.view.desired.manifests.keys()
    if again:
        await _import(cycle, run, [item for item in run.items if item.pair in again])
        await run.executor.see_through(manifests)


def _with_outcomes(cycle: Cycle, run: TargetRun) -> TargetRun:
    """The run with its items as acting left them."""
    moved = [item.pair for item in run.items if item.verdict in UNDER_WAY and item.pair]
    if not moved:
        return run
    entries = cycle.journal.entries(run.target.name, moved)
    items = sorted((_outcome(cycle, run, item, entries) for item in run.items), key=ModelState.sort_key)
    return replace(run, items=tuple(items))


def _outcome(
    cycle: Cycle, run: TargetRun, item: ModelState, entries: Mapping[ModelKey, LedgerEntry]
) -> ModelState:
    if item.verdict not in UNDER_WAY or item.pair is None:
        return item
    entry = entries.get(item.pair)
    if item.verdict is Verdict.WAITING and entry == run.view.entries.get(item.pair):
        return item
    diff, now = run.executor.settler.drifts.get(item.pair, ()), cycle.clock.now()
    outcome = apply_entry(item._replace(diff=diff), entry, now, run.view)
    # one that fails once more has failed anew, whatever its last report said
    return outcome.dated(now) if item.verdict is Verdict.IMPORT and outcome.verdict.is_held else outcome
