"""The ledger made anew from the journal, whose fold it is."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from reconciler.engine.fold import apply_event
from reconciler.state import archive, tables
from reconciler.state.bulk import insert_rows
from reconciler.state.rows import ENTRY_COLUMNS, Key, entry_row, event_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from reconciler.engine.values import LedgerEntry

    Rows = dict[Key, tuple[Any, ...]]


def folded(connection: Connection) -> Rows:
    """The rows that the ledger must have: the fold of every event of the journal.

    Raises:
        UnreadableState: a line of the journal does not hold an event.
    """
    entries: dict[Key, LedgerEntry] = {}
    with closing(archive.rows(connection)) as rows:
        for row in rows:
            event = event_of(row)
            key = (event.target, event.pair)
            entries[key] = apply_event(entries.get(key), event)
    return {key: entry_row(entry) for key, entry in entries.items()}


def refold(connection: Connection) -> None:
    """Makes the ledger anew, inside the caller's transaction. Raises UnreadableState."""
    right = folded(connection)
    connection.execute(delete(tables.ledger))
    insert_rows(connection, tables.ledger, ENTRY_COLUMNS, list(right.values()))
