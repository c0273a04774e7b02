"""Why a model has its verdict, what to do about it, and how much of that is told: a plan's words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.values import EventKind, LedgerEntry, ModelState, ObservedModel, Phase, Stage, Verdict
from reconciler.engine.values.report import OTHER_CONTENT
from reconciler.manifest import Reason
from reconciler.manifest.values import MORE
from reconciler.phrases import listed, many
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPARED_LATER = (
    Reason(
        "not-compared",
        "registered under this name and version; its content is compared in a later cycle, or with --refresh",
        severity="warning",
    ),
)
"""The reasons of a model that waits for nothing else: one value, for very many models have it at once."""

NO_LONGER_DECLARED = "no-longer-declared"
"""The code of the reason for being nobody's that a file declared it once."""

UNREADABLE = "unreadable"
"""The code of the reason for waiting that something about one model could not be asked or understood."""


def is_unreadable(item: ModelState) -> bool:
    """Whether the verdict is that something about the model could not be asked or understood."""
    waits = item.verdict is Verdict.WAITING
    return waits and any(reason.code == UNREADABLE for reason in item.reasons)


def not_readable(what: str, why: str) -> Reason:
    """Why a model waits of which something could not be asked."""
    return Reason(UNREADABLE, f"{what}: {why}; the next cycle asks again")


def still_open(entry: LedgerEntry) -> Reason:
    """Why an import waits whose outcome nobody knows yet."""
    said = f" ({entry.detail})" if entry.detail else ""
    again = f"; looked for again at {shown_time(entry.not_before)}" if entry.not_before else ""
    if entry.last is EventKind.EXISTS:
        return Reason("exists", f"the registry says that it exists, and does not list it yet{said}{again}")
    message = f"an import was sent, and its outcome is still being settled{said}{again}"
    return Reason(entry.code or "outcome-unknown", message)


def import_failed(item: ModelState, entry: LedgerEntry | None) -> Reason:
    """What to do about a model that the registry says failed."""
    changed = entry is not None and entry.digest not in (None, item.digest)
    cause = entry.detail if entry is not None and entry.stage is Stage.FAILED else None
    return Reason(
        "import-failed",
        f"the registry says {item.model_status}; {cause or 'look at the model there for the cause'}"
        + ("; the manifest has changed since" if changed else "")
        + f"; then `reconciler retry {item.title}` removes the failed model and imports again",
    )


def registered_again(models: Sequence[ObservedModel]) -> Reason:
    """The warning that a registry shows several models of one name and version, oldest first."""
    counted, *others = (model.model_id for model in models)
    return Reason(
        "registered-again",
        f"registered {len(models)} times: {counted} is the oldest and counts; delete {listed(others)} in the "
        "registry if nothing uses it",
        severity="warning",
    )


def undeclared(entry: LedgerEntry | None) -> Reason:
    """Why a registered model is nobody's."""
    if entry is None or entry.path is None:
        return Reason(
            "not-declared", "registered, and declared nowhere: `reconciler adopt` writes its manifest"
        )
    return Reason(
        NO_LONGER_DECLARED,
        f"imported from {entry.path}, which no longer declares it; nothing is ever deleted from the registry",
    )


def said(entry: LedgerEntry, otherwise: str) -> Reason:
    """Why an import was not made, in the registry's own words where it had any."""
    message = entry.detail or otherwise
    if entry.phase is Phase.REJECTED:
        message += f"; held until the manifest changes or `reconciler retry {entry.pair}`"
    elif entry.not_before is not None:
        message += f"; next attempt at {shown_time(entry.not_before)}"
    return Reason(entry.code or entry.last, message)


def missing(item: ModelState, before: str) -> Reason:
    """What to do about a model that is gone."""
    return Reason(
        "missing",
        f"{before}, and gone from the registry since; import it again with `reconciler retry {item.title}`",
    )


def other_content(fields: str | None) -> str:
    """What is said of a model that differs in these fields, as the journal names them.

    An earlier journal holds the sentence itself.
    """
    named = (fields or "").removeprefix(f"{OTHER_CONTENT}: ")
    return f"{OTHER_CONTENT}: {named or 'in fields that the registry does not show'}"


def drifted(why: str, free: str | None) -> Reason:
    """What to do about a model with other content; `free` is the next version that is not taken."""
    advice = f"as version {free}" if free else "under another name"
    return Reason(
        "drifted",
        f"{why}, and a registered version is immutable: declare the new content {advice}, or restore the "
        "manifest",
    )


def within(faulty: Sequence[ModelState], most: int) -> list[ModelState]:
    """These items, in order, as long as they have no more than `most` reasons; one item counts the others.

    Whatever was left out is in conflict or invalid: nothing is imported of it, and it is told once it is
    among the first.
    """
    count = 0
    for number, item in enumerate(faulty):
        count += len(item.reasons)
        if count > most and number:
            return [*faulty[:number], _counted(faulty[number:])]
    return list(faulty)


def are_counted(items: Sequence[ModelState]) -> bool:
    """Whether some of these stand for others that are only counted."""
    return any(item.reasons and item.reasons[0].code == MORE for item in items)


def _counted(rest: Sequence[ModelState]) -> ModelState:
    problems = sum(len(item.reasons) for item in rest)
    message = (
        f"and {many(problems, 'more problem')} of {many(len(rest), 'manifest')} from here on: correct "
        "the first ones, or raise limits.faults"
    )
    place = rest[0].path
    return ModelState(rest[0].target, Verdict.INVALID, path=place, reasons=(Reason(MORE, message, place),))
