"""`diff`: what one target declares of a model beside what is registered there, by the planner's own rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.engine.observe import details_of, observe
from reconciler.engine.plan import verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.values import Difference, LedgerEntry, ModelState, ObservedModel, Verdict
from reconciler.engine.vendor import FieldComparison, compare
from reconciler.errors import Exit, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.options import Target
    from reconciler.manifest import Manifest


class DiffResult(StrEnum):
    """What comparing one model in one target came to."""

    EQUAL = "equal"
    DIFFERS = "differs"
    NOT_REGISTERED = "not-registered"
    NOT_DECLARED = "not-declared"
    UNUSABLE = "unusable"  # declared by several manifests, or by one that is invalid
    ABSENT = "absent"  # neither declared nor registered


@dataclass(frozen=True, slots=True)
class ModelDiff:
    """One model in one target.

    Attributes:
        item: the planner's word on it; None where it has none.
        diff: the values that differ, each at the deepest field that has both sides.
        fields: both sides, field by field; empty where neither side is known.
    """

    target: str
    pair: ModelKey
    result: DiffResult
    item: ModelState | None = None
    model_id: str | None = None
    diff: tuple[Difference, ...] = ()
    fields: tuple[FieldComparison, ...] = ()


async def diff_model(  # noqa: PLR0913, PLR0917 - both sides, and what is known of them
    target: Target,
    declared: DesiredState,
    pair: ModelKey,
    remembered: Iterable[ModelKey],
    entry: LedgerEntry | None,
    now: datetime,
) -> ModelDiff:
    """Compares the pair in one target; `remembered` are pairs that the state knows of its name.

    Raises:
        RegistryError, TargetUnusable: the registry could not be asked, or its detail could not be understood.
    """
    desired, name = declared.desired([pair]), pair.model_name
    used = declared.versions([name])[name].union(key.model_version for key in remembered)
    view = PlannerInput(
        target.name,
        desired,
        now,
        entries={} if entry is None else {pair: entry},
        used_versions={name: used},
    )
    view, by_id = await observe(target.registry, view, only=frozenset({pair}), in_flight=1)
    unread = {**view.unread, **{str(one): why for one, why in view.unasked.items()}}
    model = next(iter(view.observed.get(pair, ())), None)
    detail: Mapping[str, Any] | None = None
    if model is not None and model.model_id not in unread:
        asked = [] if model.model_id in by_id else [model.model_id]
        details = await details_of(target.registry, asked, 1)
        detail, unread = {**by_id, **details.read}.get(model.model_id), unread | details.unread
    if unread:
        raise TargetUnusable(f"{pair} could not be compared: {next(iter(unread.values()))}", Exit.UNAVAILABLE)
    manifest = declared.whole(desired.manifests.values()).get(pair)
    return _compared(target, pair, manifest, view, model, detail)


def _compared(  # noqa: PLR0913, PLR0917 - as above
    target: Target,
    pair: ModelKey,
    manifest: Manifest | None,
    view: PlannerInput,
    model: ObservedModel | None,
    detail: Mapping[str, Any] | None,
) -> ModelDiff:
    """The two sides, once both are known; a model without a detail is gone."""
    request: Mapping[str, Any] = manifest.request if manifest else {}
    diff: tuple[Difference, ...] = ()
    if model is None or detail is None:
        view, model, detail = replace(view, observed={}), None, {}
    else:
        comparison = compare(target.registry.vendor, request, detail)
        if comparison.unread is not None:
            raise TargetUnusable(f"{pair} could not be compared: {comparison.unread}", Exit.UNAVAILABLE)
        diff, view = comparison.diff, replace(view, comparisons={model.model_id: comparison})
    item = next((one for one in verdicts(view) if one.pair == pair), None)
    return ModelDiff(
        target.name,
        pair,
        _result(item, diff, declared=manifest is not None, registered=model is not None),
        item,
        model.model_id if model else None,
        diff,
        target.registry.vendor.side_by_side(request, detail, target.reader.edition.fields),
    )


def _result(
    item: ModelState | None, diff: tuple[Difference, ...], *, declared: bool, registered: bool
) -> DiffResult:
    if item is not None and item.verdict in (Verdict.CONFLICT, Verdict.INVALID):
        return DiffResult.UNUSABLE
    if declared and registered:
        differs = bool(diff) or (item is not None and item.verdict is Verdict.DRIFTED)
        return DiffResult.DIFFERS if differs else DiffResult.EQUAL
    if declared:
        return DiffResult.NOT_REGISTERED
    return DiffResult.NOT_DECLARED if registered else DiffResult.ABSENT
