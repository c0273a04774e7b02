"""Events and entries as rows, and back; pure.

Rows are plain tuples in the order of `EVENT_COLUMNS` and `ENTRY_COLUMNS`, their texts as the database holds
them (see `reconciler.state.tables.AnyText`): tens of thousands of them are written and read at a time.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.fold import at_rest
from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase
from reconciler.state.errors import UnreadableState
from reconciler.state.tables import plain, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

Key = tuple[str, ModelKey]

_SHARED = (
    "target", "model_name", "model_version", "operation_id", "digest", "commit", "path", "line", "author",
    "model_id", "model_status", "request_id", "not_before", "code", "detail",
)  # fmt: skip
EVENT_COLUMNS = (*_SHARED, "at", "kind", "cycle_id", "actor", "epoch")
ENTRY_COLUMNS = (*_SHARED, "phase", "last", "updated_at", "attempts", "disappearances", "at_rest")

_KIND = {kind.value: kind for kind in EventKind}
_PHASE = {phase.value: phase for phase in Phase}


@lru_cache(maxsize=256)  # what happens together has one time
def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds: equal widths, so that text sorts as time does.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment!r}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=256)
def moment_of(text: str) -> datetime:
    """The time that `stamp` wrote, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def event_row(event: Event) -> tuple[Any, ...]:
    """The journal's row for an event, without its `seq`."""
    facts = (stamp(event.at), event.kind.value, event.cycle_id, event.actor, event.epoch)
    return stored((*_shared(event), *facts))


def entry_row(entry: LedgerEntry) -> tuple[Any, ...]:
    """The ledger's row for an entry."""
    facts = (
        entry.phase.value,
        entry.last.value,
        stamp(entry.updated_at),
        entry.attempts,
        entry.disappearances,
        at_rest(entry),
    )
    return stored((*_shared(entry), *facts))


def event_of(row: Sequence[Any]) -> Event:
    """The event of a journal's row, which begins with its `seq`.

    Raises:
        Unreadable: the row does not hold an event.
    """
    try:
        _, *shared, at, kind, cycle_id, actor, epoch = plain(row)
        told = {"at": moment_of(at), "kind": _KIND[kind], "cycle_id": cycle_id}
        return Event(**told, actor=actor, epoch=epoch, **_values(shared))
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableState(f"line {row[0]} of the journal") from error


def entry_of(row: Sequence[Any]) -> LedgerEntry:
    """The entry of a ledger's row.

    Raises:
        Unreadable: the row does not hold an entry.
    """
    try:
        *shared, phase, last, updated_at, attempts, disappearances, _ = plain(row)
        (target, name, version, operation_id, digest, commit, path, line, author) = shared[:9]
        (model_id, model_status, request_id, not_before, code, detail) = shared[9:]
        return LedgerEntry(
            target,
            ModelKey(name, version),
            _PHASE[phase],
            _KIND[last],
            moment_of(updated_at),
            attempts,
            disappearances,
            operation_id,
            digest,
            commit,
            path,
            line,
            author,
            model_id,
            model_status,
            request_id,
            None if not_before is None else moment_of(not_before),
            code,
            detail,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableState(f"the ledger's row for {row[1]!r}@{row[2]!r}") from error


def _shared(value: Event | LedgerEntry) -> tuple[Any, ...]:
    return (
        value.target,
        *value.pair,
        value.operation_id,
        value.digest,
        value.commit,
        value.path,
        value.line,
        value.author,
        value.model_id,
        value.model_status,
        value.request_id,
        None if value.not_before is None else stamp(value.not_before),
        value.code,
        value.detail,
    )


def _values(shared: Sequence[Any]) -> dict[str, Any]:
    told = dict(zip(_SHARED, shared, strict=True))
    told["pair"] = ModelKey(told.pop("model_name"), told.pop("model_version"))
    if told["not_before"] is not None:
        told["not_before"] = moment_of(told["not_before"])
    return told
