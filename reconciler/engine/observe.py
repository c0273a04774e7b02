"""From a registry to what the planner needs to know of it; and what of that is news for the journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.contract import lifecycle
from reconciler.engine.execute import inspect, status_event
from reconciler.engine.plan import View, by_pair, to_inspect
from reconciler.engine.values import Entry, Event, EventKind, Item, ObservedModel, Phase, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from reconciler.contract.pair import Pair
    from reconciler.engine.ports import Registry


_SETTLED_NOW = (EventKind.MISSING, EventKind.DRIFTED)  # told before, and no longer true of an equal model


async def observe(view: View, registry: Registry, *, everything: bool, in_flight: int) -> View:
    """The view with what the registry has: its list, and a detail for each model that must be judged.

    A model that is remembered but not listed is asked for by id before anyone calls it missing: lists may
    lag behind.
    """
    models = list(await registry.list_models())
    listed = {model.model_id for model in models}
    unlisted = [
        entry
        for entry in view.entries.values()
        if entry.phase is Phase.REGISTERED
        and entry.pair in view.desired.manifests
        and entry.model_id is not None
        and entry.model_id not in listed
        and entry.last is not EventKind.MISSING
    ]
    found = await inspect(registry, [e.model_id for e in unlisted if e.model_id], in_flight)
    models += [ObservedModel(entry.model_id, entry.pair) for entry in unlisted if entry.model_id in found]
    view = replace(view, observed=by_pair(models), details=found)
    wanted = [model_id for model_id in to_inspect(view, everything=everything) if model_id not in found]
    return replace(view, details=found | await inspect(registry, wanted, in_flight))


def news(
    items: Iterable[Item], entries: Mapping[Pair, Entry], cycle_id: str, now: datetime
) -> Iterator[Event]:
    """The events that bring the ledger up to what was observed; a standing fact is told once."""
    for item in items:
        if item.pair is None:
            continue
        entry = entries.get(item.pair)
        kind = _news(item, entry)
        if kind is not None:
            equal = item.verdict in (Verdict.IN_SYNC, Verdict.PUBLISHING)
            yield Event(
                now,
                kind,
                item.target,
                item.pair,
                cycle_id,
                digest=item.digest if equal else None,
                commit=item.commit,
                path=item.path,
                line=item.line,
                author=item.author,
                model_id=item.model_id,
                model_status=item.model_status,
                detail=_detail(item, kind),
            )


def _news(item: Item, entry: Entry | None) -> EventKind | None:
    changed = entry is None or entry.model_id != item.model_id
    if item.verdict in (Verdict.IN_SYNC, Verdict.PUBLISHING):
        if changed or entry is None or entry.digest != item.digest or entry.last in _SETTLED_NOW:
            return EventKind.ADOPTED
        if item.model_status is not None and entry.model_status != item.model_status:
            return status_event(item.model_status)
    if item.verdict is Verdict.DRIFTED and (entry is None or changed or entry.last is not EventKind.DRIFTED):
        return EventKind.DRIFTED
    if item.verdict is Verdict.MISSING and entry is not None and entry.last is not EventKind.MISSING:
        return EventKind.MISSING
    if item.verdict is Verdict.FAILED and lifecycle(item.model_status) == "failed" and _untold(item, entry):
        return EventKind.FAILED
    return None


def _untold(item: Item, entry: Entry | None) -> bool:
    return entry is None or entry.model_status != item.model_status


def _detail(item: Item, kind: EventKind) -> str | None:
    if kind is EventKind.DRIFTED:
        return "registered with other content: " + "; ".join(item.diff)
    return None
