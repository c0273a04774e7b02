"""From a registry to what the planner needs to know of it; and what of that is news for the journal."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from reconciler.engine.details import Details, ask_each, details_of
from reconciler.engine.follow import STATUS_EVENTS
from reconciler.engine.planner_input import PlannerInput, by_pair
from reconciler.engine.values import (
    Event,
    EventKind,
    LedgerEntry,
    ModelState,
    ObservedModel,
    Phase,
    Stage,
    Verdict,
    stand,
)
from reconciler.engine.vendor import fields_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry

_ONE_BY_ONE = 250  # so many are asked for one by one; above that, one list of all is cheaper

_SETTLED_NOW = (EventKind.MISSING, EventKind.DRIFTED)  # told before, and no longer true of an equal model


async def observe(
    registry: Registry, view: PlannerInput, *, only: frozenset[ModelKey] | None, in_flight: int
) -> tuple[PlannerInput, Mapping[str, Mapping[str, Any]]]:
    """The view with what the registry has, and the details that were asked for on the way, by model id.

    A model that is remembered but not listed is asked for by id before anyone calls it missing: lists may
    lag behind. One that cannot be asked for is taken to be there still.

    Args:
        registry: the target's.
        view: what is declared and remembered.
        only: the pairs to look at: one by one when they are few; None for all there are.
        in_flight: how many questions at once.
    """
    by_id = {
        entry.model_id: entry.pair
        for entry in view.entries.values()
        if entry.phase is Phase.REGISTERED
        and entry.pair in view.desired.manifests
        and entry.model_id is not None
        and entry.last is not EventKind.MISSING
    }
    by_id |= {model_id: pair for pair, model_id in view.uncompared_ids.items()}
    if only is None or len(only) > _ONE_BY_ONE:
        listed = await registry.list_models()
        models = [model for model in listed if only is None or model.pair in only]
        seen = {model.model_id for model in models} if by_id else ()
        # after the list: it may show a model late, or no more, whose detail still tells that it is there
        details = await details_of(registry, [one for one in by_id if one not in seen], in_flight)
        models += _there(details, by_id)
        return replace(view, observed=by_pair(models), unread=details.unread), details.read
    # by id first: only what has no model that way is looked for by name, in a list that may lag behind
    details = await details_of(registry, by_id, in_flight)
    models = _there(details, by_id)
    named = await ask_each(sorted(only - {model.pair for model in models}), registry.find, in_flight)
    if named.failure is not None and not named.read:  # that is the registry, and no model of it
        raise named.failure
    models += chain(*named.read.values())
    return replace(view, observed=by_pair(models), unread=details.unread, unasked=named.unread), details.read


def _there(details: Details, by_id: Mapping[str, ModelKey]) -> list[ObservedModel]:
    return [ObservedModel(model_id, by_id[model_id]) for model_id in (*details.read, *details.unread)]


def news(
    items: Iterable[ModelState],
    entries: Mapping[ModelKey, LedgerEntry],
    cycle_id: str,
    now: datetime,
    stage_of: Callable[[str | None], Stage],
) -> Iterator[Event]:
    """The events that bring the ledger up to what was observed; a standing fact is told once."""
    for item in items:
        pair = item.pair
        if pair is None:
            continue
        entry = entries.get(pair)
        kind = _news(item, entry)
        if kind is not None:
            equal = item.verdict in (Verdict.IN_SYNC, Verdict.PUBLISHING)
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
                asked=stand(entry),  # dropped when another process has changed the entry since it was read
            )


def _news(item: ModelState, entry: LedgerEntry | None) -> EventKind | None:
    changed = entry is None or entry.model_id != item.model_id
    if item.verdict in (Verdict.IN_SYNC, Verdict.PUBLISHING):
        return _well(item, None if changed else entry)
    if item.verdict is Verdict.DRIFTED and (entry is None or changed or entry.last is not EventKind.DRIFTED):
        return EventKind.DRIFTED
    if item.verdict is Verdict.MISSING and (entry is None or entry.last is not EventKind.MISSING):
        return EventKind.MISSING
    if item.verdict is Verdict.FAILED and item.model_id is not None and _untold(item, entry):
        return EventKind.FAILED
    return None


def _well(item: ModelState, entry: LedgerEntry | None) -> EventKind | None:
    """The news of a model that is as declared, as far as is known; without an entry it is a new one."""
    if item.digest is None:
        return None
    if entry is None or entry.last in _SETTLED_NOW or entry.digest != item.digest:
        return EventKind.ADOPTED
    stage = Stage.PUBLISHED if item.verdict is Verdict.IN_SYNC else Stage.PENDING
    if item.model_status is not None and (entry.model_status, entry.stage) != (item.model_status, stage):
        return STATUS_EVENTS[stage]
    return None


def _untold(item: ModelState, entry: LedgerEntry | None) -> bool:
    return entry is None or (entry.model_status, entry.stage) != (item.model_status, Stage.FAILED)
