"""What happened to a pair, and what is remembered of it: an entry is the fold of its events, in order."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.values.models import FINAL, Stage

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey


class EventKind(StrEnum):
    """What happened to a pair; the journal's words."""

    IMPORT_REQUESTED = "import-requested"  # the intent: on disk before the POST
    IMPORTED = "imported"  # the registry answered with a model_id
    ADOPTED = "adopted"  # found registered and equal
    REJECTED = "rejected"  # documented refusal: certainly not made, held
    POSTPONED = "postponed"  # certainly not made; another attempt is due at `not_before`
    UNKNOWN = "outcome-unknown"  # sent, no usable answer; settled by observing
    EXISTS = "exists"  # the registry says that the pair is taken, and does not list it yet
    ELSEWHERE = "exists-elsewhere"  # the same after the settling wait: certainly not made, held
    NOT_FOUND = "settled-not-made"  # an unknown outcome was settled: nothing was made
    STATUS = "status"  # the registry reports a new, not final, status
    PUBLISHED = "published"
    FAILED = "failed"  # the registry says the import failed
    DRIFTED = "drifted"  # registered with other content
    MISSING = "missing"  # gone from the registry
    RELEASED = "released"  # `retry`: another attempt is allowed
    DELETED = "deleted"  # `retry` removed the registry's failed row


class EntryVersion(NamedTuple):
    """Names the state of an entry, to compare and set by, as Kubernetes' resourceVersion does.

    All is None where there is no entry.
    """

    phase: Phase | None = None
    model_id: str | None = None
    operation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is journalled of an import and remembered of its pair; a column of the state each.

    Attributes:
        operation_id: names the import call.
        digest: of the manifest concerned: of an entry, the one last requested or found equal.
        commit: the commit that declared the manifest (not the head at that time), if known.
        model_status: the vendor's word.
        not_before: earliest time of the next attempt or of the look that settles it, UTC, or None.
        detail: one line for people, or None; of a model that drifted, the names of the fields that differ.
        stage: what `model_status` means to the target's registry; None where no status is known.
    """

    operation_id: str | None = None
    digest: str | None = None
    commit: str | None = None
    path: str | None = None
    line: int | None = None
    author: str | None = None
    model_id: str | None = None
    model_status: str | None = None
    request_id: str | None = None
    not_before: datetime | None = None
    code: str | None = None
    detail: str | None = None
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Event(Facts):
    """One line of the append-only journal. Folding a pair's events in order gives its entry.

    Attributes:
        at: timezone-aware UTC.
        actor: who asked for what led to it, such as `ada@build-7 (retry)`; None for what the loop does by
            itself.
        epoch: of the lease under which it was journalled; None where a file lock stands for the lease. Equal
            events may have been journalled under different ones.
        expected: the version of the pair's entry that this event is about: the event is journalled only while
            the entry still has it. None journals it in any case. Not stored.
    """

    at: datetime
    kind: EventKind
    target: str
    pair: ModelKey
    cycle_id: str
    actor: str | None = None
    epoch: int | None = field(default=None, compare=False)
    expected: EntryVersion | None = field(default=None, compare=False, repr=False)


class Phase(StrEnum):
    """Where a pair stands in its one import."""

    INTENDED = "intended"  # a POST may have been executed; must be settled
    POSTPONED = "postponed"  # not made, retry scheduled
    REJECTED = "rejected"  # not made, held
    REGISTERED = "registered"  # has a model_id
    RELEASED = "released"  # free for another attempt


@dataclass(frozen=True, slots=True)
class LedgerEntry(Facts):
    """The ledger's row for a (target, pair): the fold of its events.

    Attributes:
        attempts: import requests since the content last changed or was released.
        disappearances: how often the model was found gone from the registry.
        last: the kind of the newest event, so that a standing fact is journalled once.
    """

    target: str
    pair: ModelKey
    phase: Phase
    last: EventKind
    updated_at: datetime
    attempts: int = 0
    disappearances: int = 0


def entry_version(entry: LedgerEntry | None) -> EntryVersion:
    """The version of this entry: an answer about it counts only while it is the same."""
    return EntryVersion() if entry is None else EntryVersion(entry.phase, entry.model_id, entry.operation_id)


STATUS_EVENTS = {
    Stage.PENDING: EventKind.STATUS,
    Stage.PUBLISHED: EventKind.PUBLISHED,
    Stage.FAILED: EventKind.FAILED,
}
"""The journal's word for a status that the registry reports."""


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
    elif kind in _OF_UNKNOWN_CONTENT:
        is_known = entry.phase is Phase.REGISTERED and entry.model_id == event.model_id
        facts["digest"] = facts["digest"] if is_known else None
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
