"""The planner: what is declared, observed and remembered gives a verdict on every model. Pure.

A plan depends on nothing but its arguments, and its digest not on the order of anything in them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.engine import reasons
from reconciler.engine.clock import due_at
from reconciler.engine.manifest_parser import conflict_reasons
from reconciler.engine.planner_input import PlannerInput, known_equal, newest_status, remembered_content
from reconciler.engine.reasons import within
from reconciler.engine.values import (
    AT_REST,
    UNDER_WAY,
    Difference,
    EventKind,
    LedgerEntry,
    ManifestRef,
    ModelState,
    ObservedModel,
    Phase,
    Stage,
    Verdict,
)
from reconciler.engine.values.report import OTHER_CONTENT
from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey


def verdicts(inputs: PlannerInput) -> tuple[ModelState, ...]:
    """The verdict on every declared and every registered model of one target, sorted."""
    items = [
        *(_declared(inputs, pair, manifest) for pair, manifest in inputs.desired.manifests.items()),
        *within(_faulty(inputs), inputs.most_faults),
        *_unmanaged(inputs),
    ]
    return tuple(sorted(items, key=ModelState.sort_key))


def preflighted(item: ModelState, reasons: tuple[Reason, ...]) -> ModelState:
    """A new model after a look at its files: with an error it is invalid, until something is mended."""
    stops = any(reason.severity == "error" for reason in reasons)
    return item._replace(
        verdict=Verdict.INVALID if stops else item.verdict,
        reasons=tuple(sorted(reasons, key=lambda reason: reason.severity)) + item.reasons,
    )


def plan_digest(items: Iterable[ModelState]) -> str:
    """Hex SHA-256 of what a plan would do or asks of a human: independent of file names, order and time.

    Models at rest are no part of it, so that it costs what is to be done, and not what there is.
    """
    facts = sorted(
        json.dumps(
            [i.target, i.model_name, i.model_version, i.verdict, i.digest, i.model_id], ensure_ascii=False
        )
        for i in items
        if i.verdict not in AT_REST
    )
    return hashlib.sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()


def _declared(inputs: PlannerInput, pair: ModelKey, manifest: ManifestRef) -> ModelState:
    """The verdict on one declared model; most are well, and are made in one step: there may be very many."""
    models = inputs.observed.get(pair)
    entry = inputs.entries.get(pair)
    last_commit = inputs.last_commits.get((manifest.path, manifest.line))
    model = models[0] if models else None
    comparison = inputs.comparisons.get(model.model_id) if model else None
    status, stage = newest_status(model, comparison, entry) if model else (None, Stage.PENDING)
    waits = model is not None and entry is None and model.model_id in inputs.later
    warnings = manifest.warnings
    if models is not None and len(models) > 1:
        warnings = (*warnings, reasons.registered_again(models))
    item = ModelState(
        inputs.target,
        Verdict.IN_SYNC if stage is Stage.PUBLISHED else Verdict.PUBLISHING,
        *pair,
        manifest.path,
        manifest.line,
        last_commit.commit if last_commit else None,
        last_commit.author if last_commit else None,
        model.model_id if model else None,
        status,
        reasons.COMPARED_LATER + warnings if waits else warnings,
        (),
        None if waits else manifest.digest,
    )
    if waits:
        return item
    if model is None and pair in inputs.unasked:
        why = reasons.not_readable("it could not be looked for", inputs.unasked[pair])
        return _with(item, Verdict.WAITING, why)
    if model is None:
        return _absent(
            item._replace(verdict=Verdict.IMPORT), entry, inputs.now, inputs.uncompared_ids.get(pair)
        )
    if stage is Stage.FAILED:
        return _with(item, Verdict.FAILED, reasons.import_failed(item, entry))
    return _registered(inputs, item, manifest, model)


def _absent(
    item: ModelState, entry: LedgerEntry | None, now: datetime, uncompared_id: str | None = None
) -> ModelState:
    """The verdict on a declared model that the registry does not have; `seen` is the id it was seen with."""
    if entry is None:
        return (
            item
            if uncompared_id is None
            else _missing(item, f"registered earlier as {uncompared_id}", uncompared_id)
        )
    if entry.phase is Phase.RELEASED:
        return item
    if entry.phase is Phase.REGISTERED:
        return _missing(item, f"imported earlier as {entry.model_id}", entry.model_id)
    if entry.phase is Phase.INTENDED:
        return _with(item, Verdict.WAITING, reasons.still_open(entry), next_attempt_at=_due(entry, now))
    if entry.digest == item.digest:
        return _not_made(item, entry, now)
    return item


def _missing(item: ModelState, before: str, model_id: str | None) -> ModelState:
    return _with(item, Verdict.MISSING, reasons.missing(item, before), model_id=model_id)


def _not_made(item: ModelState, entry: LedgerEntry, now: datetime) -> ModelState:
    """The verdict on a model whose last import, of this very content, was certainly not made."""
    if entry.phase is Phase.REJECTED:
        return _with(item, Verdict.FAILED, reasons.said(entry, "the registry rejected it"))
    due = _due(entry, now)
    if due is not None and due > now:
        why = reasons.said(entry, "another attempt is scheduled")
        return _with(item, Verdict.WAITING, why, next_attempt_at=due)
    return item


def _due(entry: LedgerEntry, now: datetime) -> datetime | None:
    """When the next attempt or look is due, as far as what is remembered can be believed."""
    return None if entry.not_before is None else due_at(entry.not_before, entry.updated_at, now)


def _registered(
    inputs: PlannerInput, item: ModelState, manifest: ManifestRef, model: ObservedModel
) -> ModelState:
    """The verdict on a declared model whose import did not fail, given the item as it is when all is well."""
    entry = inputs.entries.get(model.pair)
    comparison = inputs.comparisons.get(model.model_id)
    unread = inputs.unread.get(model.model_id)
    if comparison is not None and comparison.diff:
        return _drifted(inputs, item, OTHER_CONTENT, comparison.diff)
    if _has_changed(manifest, model, entry):
        why = "the manifest has changed since the import, in fields that the registry does not show"
        return _drifted(inputs, item, why)
    if comparison is not None or known_equal(manifest, model, entry):
        return item
    wording = unread or "the registry lists it, and gives no detail of it"
    return _with(
        item,
        Verdict.WAITING,
        reasons.not_readable(f"registered as {model.model_id}, and not compared", wording),
    )


def _has_changed(manifest: ManifestRef, model: ObservedModel, entry: LedgerEntry | None) -> bool:
    """Whether the manifest says something else than what this model was made from.

    A registry does not return every field, and a field that a manifest leaves out cannot be compared: what
    was remembered knows more.
    """
    return remembered_content(model, entry) not in (None, manifest.digest)


def _drifted(
    inputs: PlannerInput, item: ModelState, why: str, diff: tuple[Difference, ...] = ()
) -> ModelState:
    free = inputs.free_version(item.model_name or "", item.model_version or "")
    return _with(item, Verdict.DRIFTED, reasons.drifted(why, free))._replace(diff=diff)


def _faulty(inputs: PlannerInput) -> list[ModelState]:
    conflicts = (_conflict(inputs, pair, refs) for pair, refs in inputs.desired.conflicts.items())
    return sorted(
        (*(_with_last_commit(item, inputs) for item in conflicts), *_invalid(inputs)), key=ModelState.sort_key
    )


def _conflict(inputs: PlannerInput, pair: ModelKey, refs: Sequence[ManifestRef]) -> ModelState:
    model = next(iter(inputs.observed.get(pair, ())), None)
    return ModelState(
        inputs.target,
        Verdict.CONFLICT,
        pair.model_name,
        pair.model_version,
        refs[0].path,
        refs[0].line,
        model_id=model.model_id if model else None,
        model_status=model.status if model else None,
        reasons=conflict_reasons(pair, refs),
        digest=hashlib.sha256("+".join(sorted(ref.digest for ref in refs)).encode()).hexdigest(),
    )


def _invalid(inputs: PlannerInput) -> Iterable[ModelState]:
    for document in inputs.desired.invalid:
        item = ModelState(
            inputs.target,
            Verdict.INVALID,
            document.model_name,
            document.model_version,
            document.path,
            document.line,
            reasons=document.reasons,
        )
        yield _with_last_commit(item, inputs)._replace(path=document.shown)


def _unmanaged(inputs: PlannerInput) -> Iterable[ModelState]:
    """Registered models that no manifest claims; a broken manifest still claims what it named before.

    While a file cannot be read to its end there are none: each could be declared in it. The ledger's path
    would not tell, because a manifest may have been moved there since, and the ledger may have been lost.
    """
    if any(document.may_declare_anything for document in inputs.desired.invalid):
        return
    broken = {document.path for document in inputs.desired.invalid}
    claimed = {(document.model_name, document.model_version) for document in inputs.desired.invalid}
    for pair, models in inputs.observed.items():
        if pair in inputs.desired.manifests or pair in inputs.desired.conflicts or tuple(pair) in claimed:
            continue
        entry = inputs.entries.get(pair)
        if entry is not None and entry.path in broken:
            continue
        why = (reasons.undeclared(entry),)
        for model in models:
            yield ModelState(
                inputs.target,
                Verdict.UNMANAGED,
                pair.model_name,
                pair.model_version,
                model_id=model.model_id,
                model_status=model.status,
                reasons=why,
            )


def _with(item: ModelState, verdict: Verdict, reason: Reason, **changes: Any) -> ModelState:  # noqa: ANN401
    placed = replace(reason, path=item.path, line=item.line) if reason.path is None else reason
    return item._replace(verdict=verdict, reasons=(placed, *item.reasons), **changes)


def _with_last_commit(item: ModelState, inputs: PlannerInput) -> ModelState:
    last_commit = inputs.last_commits.get((item.path, item.line)) if item.path and item.line else None
    return item._replace(commit=last_commit.commit, author=last_commit.author) if last_commit else item


def apply_entry(
    item: ModelState, entry: LedgerEntry | None, now: datetime, inputs: PlannerInput | None = None
) -> ModelState:
    """The item once a cycle has acted: the verdict that the ledger's entry gives now.

    With the inputs of the cycle, one that drifted comes with the planner's own words and advice.
    """
    gone = entry is not None and entry.last is EventKind.MISSING
    if entry is None or (gone and item.verdict not in UNDER_WAY):
        return item
    warnings = tuple(reason for reason in item.reasons if reason.severity == "warning")
    item = item._replace(reasons=warnings, next_attempt_at=None)
    if gone or entry.phase is not Phase.REGISTERED:  # gone since the planner looked: while it was followed
        return _not_registered(item, entry, now)
    item = item._replace(model_id=entry.model_id, model_status=entry.model_status)
    if entry.last is EventKind.DRIFTED:
        if inputs is not None:
            return _drifted(inputs, item, OTHER_CONTENT, item.diff)
        return _with(item, Verdict.DRIFTED, Reason("drifted", reasons.other_content(entry.detail)))
    if entry.stage is Stage.FAILED:
        return _with(item, Verdict.FAILED, reasons.import_failed(item, entry))
    return item._replace(verdict=Verdict.IN_SYNC if entry.stage is Stage.PUBLISHED else Verdict.PUBLISHING)


def _not_registered(item: ModelState, entry: LedgerEntry, now: datetime) -> ModelState:
    """The item of a model that acting did not bring into the registry."""
    again = _absent(item._replace(verdict=Verdict.IMPORT, model_status=None), entry, now)
    if again.verdict is Verdict.IMPORT and entry.phase is Phase.POSTPONED:  # due again, not tried since
        why = reasons.said(entry, "another attempt is scheduled")
        return _with(item, Verdict.WAITING, why, next_attempt_at=_due(entry, now))
    return again
