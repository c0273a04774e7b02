"""The planner: what is declared, observed and remembered gives a verdict on every model. Pure.

A plan depends on nothing but its arguments, and its digest not on the order of anything in them.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.budgets import DEFAULTS
from reconciler.contract.model_key import next_free, version_key
from reconciler.engine.faults import conflict_reasons, within
from reconciler.engine.guards import NO_LONGER_DECLARED
from reconciler.engine.moments import due_at
from reconciler.engine.values import (
    AT_REST,
    Desired,
    Difference,
    EventKind,
    LastCommit,
    LedgerEntry,
    ManifestRef,
    ModelState,
    ObservedModel,
    Phase,
    Stage,
    Verdict,
)
from reconciler.manifest import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.vendor import Comparison


COMPARED_LATER = Reason(
    "not-compared",
    "registered under this name and version; its content is compared in a later cycle, or with --refresh",
    severity="warning",
)

UNREADABLE = "unreadable"
"""The code of the reason for waiting that something about one model could not be asked or understood."""


@dataclass(frozen=True, slots=True)
class PlannerInput:
    """Everything one target's plan is made from.

    Everything may be about all models or about some; a verdict depends on nothing but its own pair, except
    for the advice on a drifted one, which depends on the versions of its name that are taken.

    Attributes:
        observed: registered models by pair.
        comparisons: of declared with registered, by model id, for those that `select_for_comparison` chose.
        unread: why a model's detail could not be read, by model id.
        unasked: why it could not be asked whether a pair is registered.
        later: ids of models that are compared in a later cycle: there are too many for one.
        uncompared_ids: ids by pair of models that an earlier cycle saw registered, without anything else
            being remembered.
        entries: the ledger.
        last_commits: by path and line, the commit that gave the document its content.
        used_versions: versions by name that are in use beside those that this view shows.
        most_faults: so many problems of manifests are told; the others are counted.
        now: timezone-aware UTC.
    """

    target: str
    desired: Desired
    now: datetime
    observed: Mapping[ModelKey, Sequence[ObservedModel]] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    unasked: Mapping[ModelKey, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    uncompared_ids: Mapping[ModelKey, str] = field(default_factory=dict)
    entries: Mapping[ModelKey, LedgerEntry] = field(default_factory=dict)
    last_commits: Mapping[tuple[str, int], LastCommit] = field(default_factory=dict)
    used_versions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    most_faults: int = DEFAULTS.faults


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
    never compared; of those that were, any may come next.

    Args:
        view: what is declared, remembered and observed.
        everything: whether to look at models that are known to be equal, too.
        at_most: how many of those that can wait are inspected in this cycle; None for all.
        chance: in [0, 1); where in the list of those that were compared before to begin.
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
        elif everything or _newest(model, None, entry)[0] is None:
            before.append(model.model_id)
    start = int(chance * len(before))
    patient = [*never, *before[start:], *before[:start]]
    limit = len(patient) if at_most is None else at_most
    return DetailRequests((*needed, *patient[:limit]), frozenset(patient[limit:]))


def known_equal(manifest: ManifestRef, model: ObservedModel, entry: LedgerEntry | None) -> bool:
    """Whether this model is remembered as made from, or found equal to, this very content."""
    return (
        _remembered_content(model, entry) == manifest.digest
        and entry is not None
        and entry.last is not EventKind.DRIFTED
    )


def _remembered_content(model: ObservedModel, entry: LedgerEntry | None) -> str | None:
    """The digest of the content this very model was made from or found equal to; None when not known."""
    if entry is None or entry.phase is not Phase.REGISTERED or entry.model_id != model.model_id:
        return None
    return entry.digest


def _has_changed(manifest: ManifestRef, model: ObservedModel, entry: LedgerEntry | None) -> bool:
    """Whether the manifest says something else than what this model was made from.

    A registry does not return every field, and a field that a manifest leaves out cannot be compared: what
    was remembered knows more.
    """
    return _remembered_content(model, entry) not in (None, manifest.digest)


def verdicts(view: PlannerInput) -> tuple[ModelState, ...]:
    """The verdict on every declared and every registered model of one target, sorted."""
    items = [
        *(_declared(view, pair, manifest) for pair, manifest in view.desired.manifests.items()),
        *within(_faulty(view), view.most_faults),
        *_unmanaged(view),
    ]
    return tuple(sorted(items, key=sort_key))


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


def sort_key(item: ModelState) -> tuple[Any, ...]:
    """The order items are shown in: target, name, version as numbers, then place."""
    version = item.model_version or ""
    return item.target, item.model_name or "", version_key(version), item.path or "", item.line or 0


def _declared(view: PlannerInput, pair: ModelKey, manifest: ManifestRef) -> ModelState:
    """The verdict on one declared model; most are well, and are made in one step: there may be very many."""
    models = view.observed.get(pair)
    entry = view.entries.get(pair)
    credit = view.last_commits.get((manifest.path, manifest.line))
    model = models[0] if models else None
    seen = view.comparisons.get(model.model_id) if model else None
    status, stage = _newest(model, seen, entry) if model else (None, Stage.PENDING)
    waits = model is not None and entry is None and model.model_id in view.later
    item = ModelState(
        view.target,
        Verdict.IN_SYNC if stage is Stage.PUBLISHED else Verdict.PUBLISHING,
        *pair,
        manifest.path,
        manifest.line,
        credit.commit if credit else None,
        credit.author if credit else None,
        model.model_id if model else None,
        status,
        (COMPARED_LATER, *manifest.warnings) if waits else manifest.warnings,
        (),
        None if waits else manifest.digest,
    )
    if waits:
        return item
    if model is None and pair in view.unasked:
        return _with(item, Verdict.WAITING, _not_readable("it could not be looked for", view.unasked[pair]))
    if model is None:
        return _absent(item._replace(verdict=Verdict.IMPORT), entry, view.now, view.uncompared_ids.get(pair))
    if stage is Stage.FAILED:
        return _with(item, Verdict.FAILED, _import_failed(item, entry))
    return _registered(view, item, manifest, model)


def _absent(
    item: ModelState, entry: LedgerEntry | None, now: datetime, seen: str | None = None
) -> ModelState:
    """The verdict on a declared model that the registry does not have; `seen` is the id it was seen with."""
    if entry is None:
        return item if seen is None else _missing(item, f"registered earlier as {seen}", seen)
    if entry.phase is Phase.RELEASED:
        return item
    if entry.phase is Phase.REGISTERED:
        return _missing(item, f"imported earlier as {entry.model_id}", entry.model_id)
    if entry.phase is Phase.INTENDED:
        return _with(item, Verdict.WAITING, _open(entry), next_attempt_at=_due(entry, now))
    if entry.digest == item.digest:
        return _not_made(item, entry, now)
    return item


def _missing(item: ModelState, before: str, model_id: str | None) -> ModelState:
    reason = Reason(
        "missing",
        f"{before}, and gone from the registry since; import it again with `reconciler retry {item.title}`",
    )
    return _with(item, Verdict.MISSING, reason, model_id=model_id)


def _not_made(item: ModelState, entry: LedgerEntry, now: datetime) -> ModelState:
    """The verdict on a model whose last import, of this very content, was certainly not made."""
    if entry.phase is Phase.REJECTED:
        return _with(item, Verdict.FAILED, _said(entry, "the registry rejected it"))
    due = _due(entry, now)
    if due is not None and due > now:
        why = _said(entry, "another attempt is scheduled")
        return _with(item, Verdict.WAITING, why, next_attempt_at=due)
    return item


def _due(entry: LedgerEntry, now: datetime) -> datetime | None:
    """When the next attempt or look is due, as far as what is remembered can be believed."""
    return None if entry.not_before is None else due_at(entry.not_before, entry.updated_at, now)


def _registered(
    view: PlannerInput, item: ModelState, manifest: ManifestRef, model: ObservedModel
) -> ModelState:
    """The verdict on a declared model whose import did not fail, given the item as it is when all is well."""
    entry = view.entries.get(model.pair)
    seen = view.comparisons.get(model.model_id)
    unread = view.unread.get(model.model_id)
    if seen is not None and seen.diff:
        return _drifted(view, item, "registered with other content", seen.diff)
    if _has_changed(manifest, model, entry):
        why = "the manifest has changed since the import, in fields that the registry does not show"
        return _drifted(view, item, why)
    if seen is not None or known_equal(manifest, model, entry):
        return item
    told = unread or "the registry lists it, and gives no detail of it"
    return _with(
        item, Verdict.WAITING, _not_readable(f"registered as {model.model_id}, and not compared", told)
    )


def is_unreadable(item: ModelState) -> bool:
    """Whether the verdict is that something about the model could not be asked or understood."""
    return any(reason.code == UNREADABLE for reason in item.reasons)


def _not_readable(what: str, why: str) -> Reason:
    return Reason(UNREADABLE, f"{what}: {why}; the next cycle asks again")


def _open(entry: LedgerEntry) -> Reason:
    """Why an import waits whose outcome nobody knows yet."""
    said = f" ({entry.detail})" if entry.detail else ""
    again = f"; looked for again at {entry.not_before:%Y-%m-%dT%H:%M:%SZ}" if entry.not_before else ""
    if entry.last is EventKind.EXISTS:
        return Reason("exists", f"the registry says that it exists, and does not list it yet{said}{again}")
    message = f"an import was sent, and its outcome is still being settled{said}{again}"
    return Reason(entry.code or "outcome-unknown", message)


def _import_failed(item: ModelState, entry: LedgerEntry | None) -> Reason:
    changed = entry is not None and entry.digest not in (None, item.digest)
    return Reason(
        "import-failed",
        f"the registry says {item.model_status}, and its API gives no cause: see its events in the console"
        + ("; the manifest has changed since" if changed else "")
        + f"; then `reconciler retry {item.title}` removes the failed model and imports again",
    )


def _drifted(view: PlannerInput, item: ModelState, why: str, diff: tuple[Difference, ...] = ()) -> ModelState:
    taken = {pair.model_version for pair in _pairs_named(view, item.model_name)}
    taken |= view.used_versions.get(item.model_name or "", frozenset())
    free = next_free(item.model_version or "", taken)
    advice = (
        f"declare the new content as version {free}" if free else "declare the new content under another name"
    )
    reason = Reason(
        "drifted",
        f"{why}, and a registered version is immutable: {advice}, or restore the manifest",
    )
    return _with(item, Verdict.DRIFTED, reason)._replace(diff=diff)


def _pairs_named(view: PlannerInput, name: str | None) -> Iterable[ModelKey]:
    known = (*view.observed, *view.desired.manifests, *view.desired.conflicts, *view.entries)
    return (pair for pair in known if pair.model_name == name)


def _faulty(view: PlannerInput) -> list[ModelState]:
    """What is in conflict, and what is invalid, in order."""
    conflicts = (_conflict(view, pair, claims) for pair, claims in view.desired.conflicts.items())
    return sorted((*(_attributed(item, view) for item in conflicts), *_invalid(view)), key=sort_key)


def _conflict(view: PlannerInput, pair: ModelKey, claims: Sequence[ManifestRef]) -> ModelState:
    model = next(iter(view.observed.get(pair, ())), None)
    return ModelState(
        view.target,
        Verdict.CONFLICT,
        pair.model_name,
        pair.model_version,
        claims[0].path,
        claims[0].line,
        model_id=model.model_id if model else None,
        model_status=model.status if model else None,
        reasons=conflict_reasons(pair, claims),
        digest=hashlib.sha256("+".join(sorted(claim.digest for claim in claims)).encode()).hexdigest(),
    )


def _invalid(view: PlannerInput) -> Iterable[ModelState]:
    for found in view.desired.invalid:
        item = ModelState(
            view.target,
            Verdict.INVALID,
            found.model_name,
            found.model_version,
            found.path,
            found.line,
            reasons=found.reasons,
        )
        yield _attributed(item, view)._replace(path=found.shown)


def _unmanaged(view: PlannerInput) -> Iterable[ModelState]:
    """Registered models that no manifest claims; a broken manifest still claims what it named before.

    While a file cannot be read to its end there are none: each could be declared in it. The ledger's path
    would not tell, because a manifest may have been moved there since, and the ledger may have been lost.
    """
    if any(found.may_declare_anything for found in view.desired.invalid):
        return
    broken = {found.path for found in view.desired.invalid}
    claimed = {(found.model_name, found.model_version) for found in view.desired.invalid}
    for pair, models in view.observed.items():
        entry = view.entries.get(pair)
        if pair in view.desired.manifests or pair in view.desired.conflicts or tuple(pair) in claimed:
            continue
        if entry is not None and entry.path in broken:
            continue
        reasons = (_undeclared(entry),)
        for model in models:
            yield ModelState(
                view.target,
                Verdict.UNMANAGED,
                pair.model_name,
                pair.model_version,
                model_id=model.model_id,
                model_status=model.status,
                reasons=reasons,
            )


def _undeclared(entry: LedgerEntry | None) -> Reason:
    if entry is None or entry.path is None:
        return Reason(
            "not-declared", "registered, and declared nowhere: `reconciler adopt` writes its manifest"
        )
    return Reason(
        NO_LONGER_DECLARED,
        f"imported from {entry.path}, which no longer declares it; nothing is ever deleted from the registry",
    )


def _newest(
    model: ObservedModel, seen: Comparison | None, entry: LedgerEntry | None
) -> tuple[str | None, Stage]:
    """The newest status known, and what it means: a list may leave it out."""
    if seen is not None and seen.status is not None:
        return seen.status, seen.stage
    if model.status is None and entry is not None and entry.model_id == model.model_id:
        return entry.model_status, entry.stage
    return model.status, model.stage


def _said(entry: LedgerEntry, otherwise: str) -> Reason:
    message = entry.detail or otherwise
    if entry.phase is Phase.REJECTED:
        message += f"; held until the manifest changes or `reconciler retry {entry.pair}`"
    elif entry.not_before is not None:
        message += f"; next attempt at {entry.not_before:%Y-%m-%dT%H:%M:%SZ}"
    return Reason(entry.code or entry.last, message)


def _with(item: ModelState, verdict: Verdict, reason: Reason, **changes: Any) -> ModelState:  # noqa: ANN401
    placed = replace(reason, path=item.path, line=item.line) if reason.path is None else reason
    return item._replace(verdict=verdict, reasons=(placed, *item.reasons), **changes)


def _attributed(item: ModelState, view: PlannerInput) -> ModelState:
    found = view.last_commits.get((item.path, item.line)) if item.path and item.line else None
    return item._replace(commit=found.commit, author=found.author) if found else item


def apply_entry(
    item: ModelState, entry: LedgerEntry | None, now: datetime, view: PlannerInput | None = None
) -> ModelState:
    """The item once a cycle has acted: the verdict that the ledger's entry gives now.

    With the view of the cycle, one that drifted comes with the planner's own words and advice.
    """
    if entry is None or entry.last is EventKind.MISSING:
        return item
    warnings = tuple(reason for reason in item.reasons if reason.severity == "warning")
    item = item._replace(reasons=warnings, next_attempt_at=None)
    if entry.phase is not Phase.REGISTERED:
        return _not_registered(item, entry, now)
    item = item._replace(model_id=entry.model_id, model_status=entry.model_status)
    if entry.last is EventKind.DRIFTED:
        if view is not None:
            return _drifted(view, item, "registered with other content", item.diff)
        reason = Reason("drifted", entry.detail or "registered with other content")
        return _with(item, Verdict.DRIFTED, reason)
    if entry.stage is Stage.FAILED:
        return _with(item, Verdict.FAILED, _import_failed(item, entry))
    return item._replace(verdict=Verdict.IN_SYNC if entry.stage is Stage.PUBLISHED else Verdict.PUBLISHING)


def _not_registered(item: ModelState, entry: LedgerEntry, now: datetime) -> ModelState:
    """The item of a model that acting did not bring into the registry."""
    moved = _absent(item._replace(verdict=Verdict.IMPORT), entry, now)
    if moved.verdict is Verdict.IMPORT and entry.phase is Phase.POSTPONED:  # due again, not tried since
        why = _said(entry, "another attempt is scheduled")
        return _with(item, Verdict.WAITING, why, next_attempt_at=_due(entry, now))
    return moved
