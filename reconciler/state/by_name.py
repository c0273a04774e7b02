"""The journal of one target, model name after model name, with few events in memory together.

What is archived lies in the order in which it happened: it is sorted in a file of its own, which is gone when
it is closed.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING

from sqlalchemy import select

from reconciler.state import archive, tables
from reconciler.state.any_text import plain, stored
from reconciler.state.archive import COLUMNS
from reconciler.state.bulk import raw, select_rows
from reconciler.state.rows import events_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from reconciler.engine.values import Event

_NAME = COLUMNS.index("model_name")


class JournalByName:
    """Asked for some names at a time; closed after use."""

    def __init__(self, connection: Connection, target: str) -> None:
        """Reads what is archived.

        Raises:
            UnreadableState: a chunk is not what `compact` leaves behind.
        """
        self._connection = connection
        self._target = target
        self._archived = sqlite3.connect("", isolation_level=None)
        self._archived.execute("CREATE TABLE event (name TEXT, seq INTEGER, row TEXT)")
        self._archived.execute("BEGIN")
        with closing(archive.archived_rows(connection, target)) as rows:
            events = ((row[_NAME], row[0], json.dumps(row)) for row in rows)
            self._archived.executemany("INSERT INTO event VALUES (?, ?, ?)", events)
        self._archived.execute("CREATE INDEX event_by_name ON event (name)")
        self._archived.execute("COMMIT")

    def names(self) -> set[str]:
        """Every name that the journal has of the target."""
        columns = tables.journal.c
        query = select(columns.model_name).where(columns.target == self._target).distinct()
        archived = chain(*self._archived.execute("SELECT DISTINCT name FROM event"))
        return {*self._connection.scalars(query), *(str(plain((name,))[0]) for name in archived)}

    def events(self, names: Collection[str]) -> list[Event]:
        """What is journalled of these names, in its order. Raises UnreadableState."""
        if not names:
            return []
        columns = tables.journal.c
        of_names = raw(tables.journal, COLUMNS).where(
            columns.target == self._target, columns.model_name.in_(names)
        )
        recent = select_rows(self._connection, of_names)
        marks = ", ".join("?" * len(names))
        query = f"SELECT row FROM event WHERE name IN ({marks})"  # noqa: S608 - marks alone
        archived = self._archived.execute(query, stored(tuple(names)))
        older = (tuple(json.loads(row)) for (row,) in archived)
        return events_of(sorted([*recent, *older]))

    def close(self) -> None:
        """Removes what was sorted."""
        self._archived.close()
