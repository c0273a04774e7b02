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

from reconciler.state import archive
from reconciler.state.archive import ALL_COLUMNS, COLUMNS
from reconciler.state.rows import events_of
from reconciler.state.texts import plain, stored

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.engine.values import Event
    from reconciler.state.archive import Ask

_NAME = COLUMNS.index("model_name")


class JournalByName:
    """Asked for some names at a time; closed after use."""

    def __init__(self, ask: Ask, target: str) -> None:
        """Reads what is archived.

        Raises:
            UnreadableState: a chunk is not what `compact` leaves behind.
        """
        self._ask = ask
        self._target = stored((target,))[0]
        self._archived = sqlite3.connect("", isolation_level=None)
        self._archived.execute("CREATE TABLE event (name TEXT, seq INTEGER, row TEXT)")
        self._archived.execute("BEGIN")
        with closing(archive.archived_rows(ask, target)) as rows:
            events = ((row[_NAME], row[0], json.dumps(row)) for row in rows)
            self._archived.executemany("INSERT INTO event VALUES (?, ?, ?)", events)
        self._archived.execute("CREATE INDEX event_by_name ON event (name)")
        self._archived.execute("COMMIT")

    def names(self) -> set[str]:
        """Every name that the journal has of the target."""
        query = "SELECT DISTINCT model_name FROM journal WHERE target = :target"
        recent = self._ask(query, {"target": self._target})
        archived = self._archived.execute("SELECT DISTINCT name FROM event")
        return {str(plain(row)[0]) for row in chain(recent, archived)}

    def events(self, names: Collection[str]) -> list[Event]:
        """What is journalled of these names, in its order. Raises UnreadableState."""
        if not names:
            return []
        asked = {f"name{number}": name for number, name in enumerate(stored(tuple(names)))}
        among = f"IN ({', '.join(f':{name}' for name in asked)})"
        recent = self._ask(
            f"SELECT {ALL_COLUMNS} FROM journal WHERE target = :target AND model_name {among}",  # noqa: S608 - our names
            {"target": self._target, **asked},
        )
        archived = self._archived.execute(f"SELECT row FROM event WHERE name {among}", asked)  # noqa: S608 - our names
        older = (tuple(json.loads(row)) for (row,) in archived)
        return events_of(sorted([*recent, *older]))

    def close(self) -> None:
        """Removes what was sorted."""
        self._archived.close()
