"""The journal's meaning: an Entry is the fold of its events, in order."""

from __future__ import annotations

from dataclasses import replace

from reconciler.contract import lifecycle
from reconciler.engine.values import Entry, Event, EventKind, Phase

_PHASE = {
    EventKind.IMPORT_REQUESTED: Phase.INTENDED,
    EventKind.UNKNOWN: Phase.INTENDED,
    EventKind.POSTPONED: Phase.POSTPONED,
    EventKind.NOT_FOUND: Phase.RELEASED,
    EventKind.RELEASED: Phase.RELEASED,
    EventKind.DELETED: Phase.RELEASED,
    EventKind.REJECTED: Phase.REJECTED,
    EventKind.IMPORTED: Phase.REGISTERED,
    EventKind.ADOPTED: Phase.REGISTERED,
    EventKind.LISTED: Phase.REGISTERED,
    EventKind.DRIFTED: Phase.REGISTERED,
    EventKind.STATUS: Phase.REGISTERED,
    EventKind.PUBLISHED: Phase.REGISTERED,
    EventKind.FAILED: Phase.REGISTERED,
}

_CARRIED = (
    "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id",
)  # fmt: skip


def fold(entry: Entry | None, event: Event) -> Entry:
    """The entry after `event`; pure, so that a ledger can always be rebuilt from its journal.

    What an event leaves out keeps its value; `not_before`, `code` and `detail` speak of the newest event
    only. A release or a deletion forgets the model and starts the attempts again. The digest is that of the
    content a model was made from, or found equal to; a model that somebody else made has none.
    """
    if entry is None:
        entry = Entry(event.target, event.pair, Phase.RELEASED, event.kind, event.at)
    carried = {name: value for name in _CARRIED if (value := getattr(event, name)) is not None}
    if event.kind in (EventKind.RELEASED, EventKind.DELETED):
        carried |= {"attempts": 0, "model_id": None, "model_status": None, "operation_id": None}
    if event.kind in (EventKind.DRIFTED, EventKind.FAILED, EventKind.LISTED) and not _is_known(entry, event):
        carried["digest"] = None
    if event.kind is EventKind.MISSING:
        carried["disappearances"] = entry.disappearances + 1
    if event.kind is EventKind.IMPORT_REQUESTED:
        same = entry.digest == event.digest
        carried |= {"attempts": entry.attempts + 1 if same else 1, "model_id": None, "model_status": None}
    return replace(
        entry,
        phase=_PHASE.get(event.kind, entry.phase),
        last=event.kind,
        updated_at=event.at,
        not_before=event.not_before,
        code=event.code,
        detail=event.detail,
        **carried,
    )


def at_rest(entry: Entry) -> bool:
    """Whether the pair waits for nothing: no outcome to settle, no attempt to make, no status to poll."""
    if entry.phase is not Phase.REGISTERED:
        return entry.phase is Phase.REJECTED
    if entry.last in (EventKind.MISSING, EventKind.DRIFTED):
        return True
    return lifecycle(entry.model_status) != "pending"


def _is_known(entry: Entry, event: Event) -> bool:
    """Whether the event speaks of the model that the entry remembers."""
    return entry.phase is Phase.REGISTERED and entry.model_id == event.model_id
