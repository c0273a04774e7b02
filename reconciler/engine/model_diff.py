"""`diff`: what one target declares of a model beside what is registered there, by the planner's own rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.engine.details import details_of
from reconciler.engine.observe import observe
from reconciler.engine.plan import verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.values import Verdict
from reconciler.engine.vendor import compare
from reconciler.errors import Exit, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.options import Target
    from reconciler.engine.values import Desired, Difference, LedgerEntry, ModelState, ObservedModel
    from reconciler.engine.vendor import FieldComparison
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
        model_id: None where it is not registered.
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


@dataclass(frozen=True, slots=True)
class DeclaredModel:
    """What git says of the pair in one target.

    Attributes:
        desired: of this pair alone, and what is invalid.
        manifest: the one valid manifest that declares it; None where there is none, or several.
        used_versions: of its name: declared, registered earlier or remembered.
    """

    pair: ModelKey
    desired: Desired
    manifest: Manifest | None
    used_versions: frozenset[str] = frozenset()


def declared_model(state: DesiredState, pair: ModelKey, remembered: Iterable[ModelKey]) -> DeclaredModel:
    """What is declared of the pair at one commit; `remembered` are pairs that the state knows of its name."""
    name = pair.model_name
    desired = state.desired([pair])
    used = state.versions([name])[name].union(key.model_version for key in remembered)
    return DeclaredModel(pair, desired, state.whole(desired.manifests.values()).get(pair), used)


async def diff_model(
    target: Target, declared: DeclaredModel, entry: LedgerEntry | None, now: datetime
) -> ModelDiff:
    """Compares the pair in one target.

    Raises:
        RegistryError, TargetUnusable: the registry could not be asked, or its detail could not be understood.
    """
    pair = declared.pair
    view = PlannerInput(
        target.name,
        declared.desired,
        now,
        entries={} if entry is None else {pair: entry},
        used_versions={pair.model_name: declared.used_versions},
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
    return _compared(target, declared, view, model, detail)


def _compared(
    target: Target,
    declared: DeclaredModel,
    view: PlannerInput,
    model: ObservedModel | None,
    detail: Mapping[str, Any] | None,
) -> ModelDiff:
    """The two sides, once both are known; a model without a detail is gone."""
    pair = declared.pair
    request: Mapping[str, Any] = declared.manifest.request if declared.manifest else {}
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
        _result(item, diff, declared=declared.manifest is not None, registered=model is not None),
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
