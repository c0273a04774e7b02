"""What one target's verdicts ask for: what the registry showed is journalled, and new models are imported."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.engine.judge import open_manifests, with_used_versions
from reconciler.engine.plan import apply_entry
from reconciler.engine.target_run import Cycle, TargetRun, isolate_errors, manifests_of
from reconciler.engine.values import (
    AS_DECLARED,
    UNDER_WAY,
    Event,
    EventKind,
    LedgerEntry,
    ModelState,
    Stage,
    Verdict,
    entry_version,
)
from reconciler.engine.values.journal import STATUS_EVENTS
from reconciler.engine.vendor import fields_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey

_MANIFESTS_AT_ONCE = 5000
_SETTLED_NOW = (EventKind.MISSING, EventKind.DRIFTED)
"""What was journalled before, and is no longer true of an equal model."""


async def act(cycle: Cycle, run: TargetRun) -> TargetRun:
    """Imports what is to be imported; the items are then what that made of them, also of a part of them."""
    # first, so that an import that fails the target cannot keep from the journal what was seen
    await run.executor.recorder.record(list(_observation_events(run, cycle.clock.now())))
    return _with_outcomes(cycle, await isolate_errors(run, partial(_carried_out, cycle)))


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
        refs = (run.inputs.desired.manifests[item.pair] for item in some if item.pair)
        await run.executor.import_all(some, await manifests_of(cycle, run, refs))


async def _see_through(cycle: Cycle, run: TargetRun) -> None:
    """Waits for all outcomes; what was certainly not made is sent once more, and waited for again."""
    manifests = partial(open_manifests, cycle, run)
    await run.executor.see_through(manifests)
    not_made = run.executor.not_made() & run.inputs.desired.manifests.keys()
    # by the verdict too: an invalid document may claim the same pair, and it is not what was sent
    to_import = (Verdict.IMPORT, Verdict.WAITING)
    again = [item for item in run.items if item.pair in not_made and item.verdict in to_import]
    if again:
        await _import(cycle, run, again)
        await run.executor.see_through(manifests)


def _with_outcomes(cycle: Cycle, run: TargetRun) -> TargetRun:
    under_way = [item.pair for item in run.items if item.verdict in UNDER_WAY and item.pair]
    if not under_way:
        return run
    entries = cycle.journal.entries(run.target.name, under_way)
    items = sorted((_outcome(cycle, run, item, entries) for item in run.items), key=ModelState.sort_key)
    return replace(run, items=tuple(items))


def _outcome(
    cycle: Cycle, run: TargetRun, item: ModelState, entries: Mapping[ModelKey, LedgerEntry]
) -> ModelState:
    if item.verdict not in UNDER_WAY or item.pair is None:
        return item
    entry = entries.get(item.pair)
    if item.verdict is Verdict.WAITING and entry == run.inputs.entries.get(item.pair):
        return item
    diff, now = run.executor.settler.drifts.get(item.pair, ()), cycle.clock.now()
    outcome = apply_entry(item._replace(diff=diff), entry, now, run.inputs)
    # one that fails once more has failed anew, whatever its last report said
    return outcome.dated(now) if item.verdict is Verdict.IMPORT and outcome.verdict.is_held else outcome


def _observation_events(run: TargetRun, now: datetime) -> Iterator[Event]:
    """The events that bring the ledger up to what was observed; a fact that lasts is journalled once."""
    cycle_id, stage_of = run.executor.recorder.cycle_id, run.target.registry.vendor.stage
    for item in run.items:
        pair = item.pair
        if pair is None:
            continue
        entry = run.inputs.entries.get(pair)
        kind = _kind(item, entry)
        if kind is not None:
            equal = item.verdict in AS_DECLARED
            yield Event(
                now,
                kind,
                item.target,
                pair,
                cycle_id,
                digest=item.digest if equal else None,
                commit=item.commit,
                path=item.path,
                line=item.line,
                author=item.author,
                model_id=item.model_id,
                model_status=item.model_status,
                stage=None if item.model_status is None else stage_of(item.model_status),
                detail=fields_of(item.diff) if kind is EventKind.DRIFTED else None,
                # the event is dropped when another process has changed the entry since it was read
                expected=entry_version(entry),
            )


def _kind(item: ModelState, entry: LedgerEntry | None) -> EventKind | None:
    changed = entry is None or entry.model_id != item.model_id
    if item.verdict in AS_DECLARED:
        return _well(item, None if changed else entry)
    if item.verdict is Verdict.DRIFTED and (entry is None or changed or entry.last is not EventKind.DRIFTED):
        return EventKind.DRIFTED
    if item.verdict is Verdict.MISSING and (entry is None or entry.last is not EventKind.MISSING):
        return EventKind.MISSING
    if item.verdict is Verdict.FAILED and item.model_id is not None and _is_new_failure(item, entry):
        return EventKind.FAILED
    return None


def _well(item: ModelState, entry: LedgerEntry | None) -> EventKind | None:
    """The event of a model that is as declared, as far as is known; without an entry it is a new one."""
    if item.digest is None:
        return None
    if entry is None or entry.last in _SETTLED_NOW or entry.digest != item.digest:
        return EventKind.ADOPTED
    stage = Stage.PUBLISHED if item.verdict is Verdict.IN_SYNC else Stage.PENDING
    if item.model_status is not None and (entry.model_status, entry.stage) != (item.model_status, stage):
        return STATUS_EVENTS[stage]
    return None


def _is_new_failure(item: ModelState, entry: LedgerEntry | None) -> bool:
    return entry is None or (entry.model_status, entry.stage) != (item.model_status, Stage.FAILED)
