"""Events and entries as rows, and back; pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.contract.pair import Pair
from reconciler.engine.fold import at_rest
from reconciler.engine.values import Entry, Event, EventKind, Phase
from reconciler.state.complaint import Unreadable

if TYPE_CHECKING:
    from sqlalchemy.engine import RowMapping

Key = tuple[str, Pair]

_TEXTS = (
    "operation_id", "digest", "commit", "path", "line", "author", "model_id", "model_status", "request_id",
    "code", "detail",
)  # fmt: skip


def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds: equal widths, so that text sorts as time does.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment!r}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def moment_of(text: str) -> datetime:
    """The time that `stamp` wrote, in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def event_row(event: Event) -> dict[str, Any]:
    """The journal's row for an event, without its `seq`."""
    return {
        "at": stamp(event.at),
        "kind": event.kind.value,
        "cycle_id": event.cycle_id,
        **_shared(event),
    }


def entry_row(entry: Entry) -> dict[str, Any]:
    """The ledger's row for an entry."""
    return {
        "phase": entry.phase.value,
        "last": entry.last.value,
        "updated_at": stamp(entry.updated_at),
        "attempts": entry.attempts,
        "disappearances": entry.disappearances,
        "at_rest": at_rest(entry),
        **_shared(entry),
    }


def event_of(row: RowMapping) -> Event:
    """The event of a journal's row.

    Raises:
        Unreadable: the row does not hold an event.
    """
    try:
        return Event(
            at=moment_of(row["at"]),
            kind=EventKind(row["kind"]),
            cycle_id=row["cycle_id"],
            **_values(row),
        )
    except (TypeError, ValueError) as error:
        raise Unreadable(f"line {row['seq']} of the journal") from error


def entry_of(row: RowMapping) -> Entry:
    """The entry of a ledger's row.

    Raises:
        Unreadable: the row does not hold an entry.
    """
    try:
        return Entry(
            phase=Phase(row["phase"]),
            last=EventKind(row["last"]),
            updated_at=moment_of(row["updated_at"]),
            attempts=row["attempts"],
            disappearances=row["disappearances"],
            **_values(row),
        )
    except (TypeError, ValueError) as error:
        raise Unreadable(f"the ledger's row for {row['model_name']!r}@{row['model_version']!r}") from error


def key_of(row: RowMapping) -> Key:
    """Target and pair of a row of either table."""
    return row["target"], Pair(row["model_name"], row["model_version"])


def _shared(value: Event | Entry) -> dict[str, Any]:
    return {
        "target": value.target,
        "model_name": value.pair.model_name,
        "model_version": value.pair.model_version,
        "not_before": None if value.not_before is None else stamp(value.not_before),
        **{name: getattr(value, name) for name in _TEXTS},
    }


def _values(row: RowMapping) -> dict[str, Any]:
    target, pair = key_of(row)
    return {
        "target": target,
        "pair": pair,
        "not_before": None if row["not_before"] is None else moment_of(row["not_before"]),
        **{name: row[name] for name in _TEXTS},
    }
