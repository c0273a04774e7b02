"""`diff`: what one target declares of a model beside what is registered there, by the planner's own rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.engine.observe import details_of, observe
from reconciler.engine.plan import verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.values import Difference, LedgerEntry, ModelState, Verdict
from reconciler.engine.vendor import FieldComparison, compare
from reconciler.errors import Exit, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.target import Target


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
    entries = {} if entry is None else {pair: entry}
    inputs = PlannerInput(target.name, desired, now, entries=entries, used_versions={name: used})
    inputs, model_id, detail = await _registered(target, inputs, pair)
    manifest = declared.whole(desired.manifests.values()).get(pair)
    request: Mapping[str, Any] = manifest.request if manifest else {}
    diff: tuple[Difference, ...] = ()
    if model_id is not None:
        comparison = compare(target.registry.vendor, request, detail)
        if comparison.unread is not None:
            raise _incomparable(pair, comparison.unread)
        diff, inputs = comparison.diff, replace(inputs, comparisons={model_id: comparison})
    item = next((one for one in verdicts(inputs) if one.pair == pair), None)
    return ModelDiff(
        target.name,
        pair,
        _result(item, diff, declared=manifest is not None, registered=model_id is not None),
        item,
        model_id,
        diff,
        target.registry.vendor.side_by_side(request, detail, target.parser.edition.fields),
    )


async def _registered(
    target: Target, inputs: PlannerInput, pair: ModelKey
) -> tuple[PlannerInput, str | None, Mapping[str, Any]]:
    """The inputs with what is registered, and the model's id and detail; a model without a detail is gone."""
    inputs, by_id = await observe(target.registry, inputs, only=frozenset({pair}), in_flight=1)
    unread = {**inputs.unread, **{str(one): why for one, why in inputs.unasked.items()}}
    model_id = next((model.model_id for model in inputs.observed.get(pair, ())), None)
    if model_id is not None and model_id not in unread:
        details = await details_of(target.registry, [] if model_id in by_id else [model_id], 1)
        by_id, unread = {**by_id, **details.read}, unread | details.unread
    if unread:
        raise _incomparable(pair, next(iter(unread.values())))
    if model_id is None or model_id not in by_id:
        return replace(inputs, observed={}), None, {}
    return inputs, model_id, by_id[model_id]


def _incomparable(pair: ModelKey, why: str) -> TargetUnusable:
    return TargetUnusable(f"{pair} could not be compared: {why}", Exit.UNAVAILABLE)


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
