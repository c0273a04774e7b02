"""The journal's meaning: an Entry is the fold of its events, in order."""

from __future__ import annotations

from reconciler.contract import lifecycle
from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase

_PHASE = {
    EventKind.IMPORT_REQUESTED: Phase.INTENDED,
    EventKind.UNKNOWN: Phase.INTENDED,
    EventKind.EXISTS: Phase.INTENDED,
    EventKind.ELSEWHERE: Phase.REJECTED,
    EventKind.POSTPONED: Phase.POSTPONED,
    EventKind.NOT_FOUND: Phase.RELEASED,
    EventKind.RELEASED: Phase.RELEASED,
    EventKind.DELETED: Phase.RELEASED,
    EventKind.REJECTED: Phase.REJECTED,
    EventKind.IMPORTED: Phase.REGISTERED,
    EventKind.ADOPTED: Phase.REGISTERED,
    EventKind.DRIFTED: Phase.REGISTERED,
    EventKind.MISSING: Phase.REGISTERED,
    EventKind.STATUS: Phase.REGISTERED,
    EventKind.PUBLISHED: Phase.REGISTERED,
    EventKind.FAILED: Phase.REGISTERED,
}

_FREEING = frozenset({EventKind.RELEASED, EventKind.DELETED})
_OF_UNKNOWN_CONTENT = frozenset({EventKind.DRIFTED, EventKind.FAILED})


def apply_event(entry: LedgerEntry | None, event: Event) -> LedgerEntry:
    """The entry after `event`; pure, so that a ledger can always be rebuilt from its journal.

    What an event leaves out keeps its value; `not_before`, `code` and `detail` speak of the newest event
    only. A release or a deletion forgets the model and starts the attempts again. The digest is that of the
    content a model was made from, or found equal to; a model that somebody else made has none.
    """
    if entry is None:
        entry = LedgerEntry(event.target, event.pair, Phase.RELEASED, event.kind, event.at)
    kind = event.kind
    attempts, digest = entry.attempts, event.digest or entry.digest
    operation_id = event.operation_id or entry.operation_id
    model_id, model_status = event.model_id or entry.model_id, event.model_status or entry.model_status
    if kind in _FREEING:
        attempts, model_id, model_status, operation_id = 0, None, None, None
    elif kind in _OF_UNKNOWN_CONTENT and not _is_known(entry, event):
        digest = None
    elif kind is EventKind.IMPORT_REQUESTED:
        attempts = entry.attempts + 1 if entry.digest == event.digest else 1
        model_id = model_status = None
    return LedgerEntry(
        entry.target,
        entry.pair,
        _PHASE.get(kind, entry.phase),
        kind,
        event.at,
        attempts,
        entry.disappearances + (kind is EventKind.MISSING),
        operation_id,
        digest,
        event.commit or entry.commit,
        event.path or entry.path,
        event.line or entry.line,
        event.author or entry.author,
        model_id,
        model_status,
        event.request_id or entry.request_id,
        event.not_before,
        event.code,
        event.detail,
    )


def at_rest(entry: LedgerEntry) -> bool:
    """Whether the pair waits for nothing: no outcome to settle, no attempt to make, no status to poll."""
    if entry.phase is not Phase.REGISTERED:
        return entry.phase is Phase.REJECTED
    if entry.last in (EventKind.MISSING, EventKind.DRIFTED):
        return True
    return lifecycle(entry.model_status) != "pending"


def _is_known(entry: LedgerEntry, event: Event) -> bool:
    """Whether the event speaks of the model that the entry remembers."""
    return entry.phase is Phase.REGISTERED and entry.model_id == event.model_id
