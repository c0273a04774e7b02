"""The journal's meaning: an Entry is the fold of its events, in order."""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from reconciler.engine.values import FINAL, Event, EventKind, Facts, LedgerEntry, Phase

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

_OF_THE_NEWEST = ("not_before", "code", "detail")  # facts that speak of the newest event alone
_KEPT = tuple(fact.name for fact in fields(Facts) if fact.name not in _OF_THE_NEWEST)
_kept = attrgetter(*_KEPT)
_FREEING = frozenset({EventKind.RELEASED, EventKind.DELETED})
_OF_UNKNOWN_CONTENT = frozenset({EventKind.DRIFTED, EventKind.FAILED})


def apply_event(entry: LedgerEntry | None, event: Event) -> LedgerEntry:
    """The entry after `event`; pure, so that a ledger can always be rebuilt from its journal.

    What an event leaves out keeps its value, but for what speaks of the newest event only; the detail of an
    intent, which says who vouches for it, explains nothing of the entry. A release or a
    deletion forgets the model and starts the attempts again. The digest is that of the content a model was
    made from, or found equal to; a model that somebody else made has none.
    """
    if entry is None:
        entry = LedgerEntry(event.target, event.pair, Phase.RELEASED, event.kind, event.at)
    kind, attempts = event.kind, entry.attempts
    kept = zip(_KEPT, _kept(event), _kept(entry), strict=True)
    facts = {name: new or old for name, new, old in kept}
    facts |= {name: getattr(event, name) for name in _OF_THE_NEWEST}
    if kind in _FREEING:
        attempts = 0
        facts |= dict.fromkeys(("model_id", "model_status", "stage", "operation_id"))
    elif kind in _OF_UNKNOWN_CONTENT and not _is_known(entry, event):
        facts["digest"] = None
    elif kind is EventKind.IMPORT_REQUESTED:
        attempts = entry.attempts + 1 if entry.digest == event.digest else 1
        facts |= dict.fromkeys(("model_id", "model_status", "stage", "detail"))
    return LedgerEntry(
        entry.target,
        entry.pair,
        _PHASE.get(kind, entry.phase),
        kind,
        event.at,
        attempts,
        entry.disappearances + (kind is EventKind.MISSING),
        **facts,
    )


def at_rest(entry: LedgerEntry) -> bool:
    """Whether the pair waits for nothing: no outcome, attempt or status."""
    if entry.phase is not Phase.REGISTERED:
        return entry.phase is Phase.REJECTED
    if entry.last in (EventKind.MISSING, EventKind.DRIFTED):
        return True
    return entry.stage in FINAL


def _is_known(entry: LedgerEntry, event: Event) -> bool:
    """Whether the event speaks of the model that the entry remembers."""
    return entry.phase is Phase.REGISTERED and entry.model_id == event.model_id
