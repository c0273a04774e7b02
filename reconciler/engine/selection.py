"""Which models are compared in a cycle: what is remembered says whether a detail is needed. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.values import EventKind, Phase, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.planner_input import PlannerInput
    from reconciler.engine.values import LedgerEntry, ManifestRef, ObservedModel
    from reconciler.engine.vendor import Comparison


def by_pair(models: Iterable[ObservedModel]) -> dict[ModelKey, list[ObservedModel]]:
    """Groups a registry's list; several models of one pair stand oldest first."""
    grouped: defaultdict[ModelKey, list[ObservedModel]] = defaultdict(list)
    for model in models:
        grouped[model.pair].append(model)
    for several in grouped.values():
        if len(several) > 1:
            several.sort(key=lambda model: (model.created_at or 0, model.model_id))
    return dict(grouped)


class DetailRequests(NamedTuple):
    """Which models' details are asked for.

    Attributes:
        now: model ids, for this cycle.
        later: those that wait for another.
    """

    now: tuple[str, ...]
    later: frozenset[str] = frozenset()


def select_for_comparison(
    view: PlannerInput, *, everything: bool = False, at_most: int | None = None, chance: float = 0.0
) -> DetailRequests:
    """The models whose detail tells whether they drifted, or what became of them.

    A model that was found equal to this very manifest before needs no look, unless `everything` is to be
    looked at again. One whose verdict needs its detail never waits. Of the others those come first that were
    never compared; of those that were, any may come next. Of those that can wait, `at_most` so many are
    compared in this cycle, and `chance`, in [0, 1), says where among those that were compared before to
    begin.
    """
    needed: list[str] = []
    never: list[str] = []
    before: list[str] = []
    for pair, manifest in view.desired.manifests.items():
        models = view.observed.get(pair)
        if not models:
            continue
        model, entry = models[0], view.entries.get(pair)
        if entry is None:
            (never if model.stage is Stage.PUBLISHED else needed).append(model.model_id)
        elif not known_equal(manifest, model, entry):
            needed.append(model.model_id)
        elif everything or newest_status(model, None, entry)[0] is None:
            before.append(model.model_id)
    start = int(chance * len(before))
    patient = [*never, *before[start:], *before[:start]]
    limit = len(patient) if at_most is None else at_most
    return DetailRequests((*needed, *patient[:limit]), frozenset(patient[limit:]))


def known_equal(manifest: ManifestRef, model: ObservedModel, entry: LedgerEntry | None) -> bool:
    """Whether this model is remembered as made from, or found equal to, this very content."""
    return (
        remembered_content(model, entry) == manifest.digest
        and entry is not None
        and entry.last is not EventKind.DRIFTED
    )


def remembered_content(model: ObservedModel, entry: LedgerEntry | None) -> str | None:
    """The digest of the content this very model was made from or found equal to; None when not known."""
    if entry is None or entry.phase is not Phase.REGISTERED or entry.model_id != model.model_id:
        return None
    return entry.digest


def newest_status(
    model: ObservedModel, seen: Comparison | None, entry: LedgerEntry | None
) -> tuple[str | None, Stage]:
    """The newest status known, and what it means: a list may leave it out."""
    if seen is not None and seen.status is not None:
        return seen.status, seen.stage
    if model.status is None and entry is not None and entry.model_id == model.model_id:
        return entry.model_status, entry.stage or Stage.PENDING
    return model.status, model.stage
