"""What was known earlier: the verdicts that git at a commit and the journal up to a moment come to. Pure.

The registry is taken to have had what the journal says it had. What nobody journalled, such as models that
were never declared, is not shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.last_report import asked
from reconciler.engine.plan import apply_entry, sort_key, verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.values import (
    EventKind,
    LedgerEntry,
    ModelState,
    ObservedModel,
    Phase,
    Stage,
    Verdict,
)
from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Desired, LastCommit

_UNKNOWN = Reason("not-journalled", "the journal knew nothing of it then", severity="warning")


def verdicts_then(
    target: str,
    desired: Desired,
    credits: Mapping[tuple[str, int], LastCommit],  # noqa: A002 - as everywhere
    entries: Mapping[ModelKey, LedgerEntry],
    moment: datetime,
) -> tuple[ModelState, ...]:
    """The verdicts on one target's models, sorted.

    `credits` are by path and line. What was due after the moment had not been done.
    """
    observed = _observed(entries.values())
    view = PlannerInput(target, desired, moment, observed=observed, entries=entries, last_commits=credits)
    return tuple(_as_journalled(item, entries, desired.manifests) for item in verdicts(view))


def verdicts_of_journal(entries: Collection[LedgerEntry]) -> tuple[ModelState, ...]:
    """The same where git cannot tell any more what was declared."""
    items = [apply_entry(asked(entry), entry, entry.updated_at) for entry in entries]
    return tuple(sorted(items, key=sort_key))


def _observed(entries: Collection[LedgerEntry]) -> dict[ModelKey, list[ObservedModel]]:
    return {
        entry.pair: [
            ObservedModel(entry.model_id, entry.pair, entry.model_status, stage=entry.stage or Stage.PENDING)
        ]
        for entry in entries
        if entry.phase is Phase.REGISTERED and entry.last is not EventKind.MISSING and entry.model_id
    }


def _as_journalled(
    item: ModelState, entries: Mapping[ModelKey, LedgerEntry], manifests: Collection[ModelKey]
) -> ModelState:
    """The item as its entry tells it: what was compared then is known by the event alone."""
    if item.verdict is Verdict.INVALID:  # also beside a sound document of the same pair
        return item
    entry = entries.get(item.pair) if item.pair is not None else None
    if entry is None:
        unknown = item.verdict is Verdict.IMPORT
        return item._replace(reasons=(*item.reasons, _UNKNOWN)) if unknown else item
    if entry.pair in manifests and entry.phase is Phase.REGISTERED:
        item = apply_entry(item, entry, entry.updated_at)
    return item._replace(since=entry.updated_at)
