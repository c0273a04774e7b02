"""What was known earlier: the verdicts that git at a commit and the journal up to a moment come to. Pure.

The registry is taken to have had what the journal says it had. What nobody journalled, such as models that
were never declared, is not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.plan import View, after, order, verdicts
from reconciler.engine.remembered import asked
from reconciler.engine.values import Entry, EventKind, Item, ObservedModel, Phase, Verdict
from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from reconciler.contract.pair import Pair
    from reconciler.engine.values import Credit, Desired

_UNKNOWN = Reason("not-journalled", "the journal knew nothing of it then", severity="warning")


def verdicts_then(
    target: str,
    desired: Desired,
    credits: Mapping[tuple[str, int], Credit],  # noqa: A002 - as everywhere
    entries: Mapping[Pair, Entry],
    moment: datetime,
) -> tuple[Item, ...]:
    """The verdicts on one target's models, sorted.

    Args:
        target: its name.
        desired: what was declared.
        credits: who gave each document its content, by path and line.
        entries: the ledger as it was.
        moment: up to which the journal was read; what was due later had not been done.
    """
    observed = _observed(entries.values())
    view = View(target, desired, moment, observed=observed, entries=entries, credits=credits)
    return tuple(sorted((_told(item, entries, desired.manifests) for item in verdicts(view)), key=order))


def verdicts_of_journal(entries: Collection[Entry]) -> tuple[Item, ...]:
    """The same where git cannot tell any more what was declared."""
    items = [after(asked(entry), entry, entry.updated_at) for entry in entries]
    return tuple(sorted(items, key=order))


def _observed(entries: Collection[Entry]) -> dict[Pair, list[ObservedModel]]:
    return {
        entry.pair: [ObservedModel(entry.model_id, entry.pair, entry.model_status)]
        for entry in entries
        if entry.phase is Phase.REGISTERED and entry.last is not EventKind.MISSING and entry.model_id
    }


def _told(item: Item, entries: Mapping[Pair, Entry], manifests: Collection[Pair]) -> Item:
    """The item as its entry tells it: what was compared then is known by the event alone."""
    if item.verdict is Verdict.INVALID:  # also beside a sound document of the same pair
        return item
    entry = entries.get(item.pair) if item.pair is not None else None
    if entry is None:
        unknown = item.verdict is Verdict.IMPORT
        return item._replace(reasons=(*item.reasons, _UNKNOWN)) if unknown else item
    if entry.pair in manifests and entry.phase is Phase.REGISTERED:
        item = after(item, entry, entry.updated_at)
    return item._replace(since=entry.updated_at)
