"""Reads the journal by any library that can query the database.

In a file it is read without SQLAlchemy, whose import takes longer than the query.
"""

from __future__ import annotations

import json
import sqlite3
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from reconciler.state import PROGRAM, SCHEMA_VERSION, archive
from reconciler.state.address import SqliteFile, parse
from reconciler.state.archive import ALL_COLUMNS, COLUMNS
from reconciler.state.errors import explained, is_busy
from reconciler.state.rows import event_of, events_of, plain, stored
from reconciler.state.sqlite_file import is_whole, open_file

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Event
    from reconciler.state.archive import Ask

_NAME = COLUMNS.index("model_name")
_TARGETS = """
WITH RECURSIVE found(target) AS (
  SELECT min(target) FROM ledger
  UNION ALL
  SELECT (SELECT min(target) FROM ledger WHERE target > found.target) FROM found WHERE target IS NOT NULL
)
SELECT target FROM found WHERE target IS NOT NULL
"""  # one step a target: DISTINCT looks at the row of each model


class JournalByName:
    """The journal of one target, asked for some names at a time; closed after use.

    What is archived lies in the order in which it happened: it is sorted in a file of its own, which is gone
    when it is closed.
    """

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


class JournalReader(ABC):
    """Reads events, archived or not, in the order they were written. Every method raises StateError."""

    @abstractmethod
    def _asking(self) -> AbstractContextManager[Ask]:
        """Gives the function that queries the database, within one snapshot of it."""

    def journalled_targets(self) -> Sequence[str]:
        """Every target of which anything is journalled, by name."""
        with self._asking() as ask, closing(ask(_TARGETS, {})) as names:
            return sorted(plain(name)[0] for name in names)

    def events(
        self,
        target: str | None = None,
        pair: ModelKey | None = None,
        *,
        name: str | None = None,
        commit: str | None = None,
    ) -> Sequence[Event]:
        """The journal, or what it tells of one pair, name or commit."""
        name, version = pair or (name, None)
        with self._journal(target=target, model_name=name, model_version=version, commit=commit) as rows:
            return [event_of(row) for row in rows]

    def events_after(self, position: int, limit: int) -> Sequence[tuple[int, Event]]:
        """The events after this one, each with its number; so many at most."""
        with self._journal(after=position) as rows:
            return [(row[0], event_of(row)) for row in islice(rows, limit)]

    def pairs_of(self, target: str, model_id: str) -> Collection[ModelKey]:
        """The pairs whose model ever had this id."""
        with self._journal(target=target, model_id=model_id) as rows:
            return {event_of(row).pair for row in rows}

    @contextmanager
    def journal_by_name(self, target: str) -> Iterator[JournalByName]:
        """The journal of one target, to be asked for some names at a time."""
        with self._asking() as ask, closing(JournalByName(ask, target)) as journal:
            yield journal

    @contextmanager
    def _journal(self, *, after: int = 0, **asked: str | None) -> Iterator[Iterator[archive.Row]]:
        """The rows of the journal after a number and with these values, by column."""
        with self._asking() as ask, closing(archive.rows(ask, after=after, **asked)) as rows:
            yield rows


# --- in a file -----------------------------------------------------------------------------------------

_LOOKS = (
    "SELECT key, value FROM meta",
    f"SELECT {ALL_COLUMNS} FROM journal LIMIT 0",  # noqa: S608 - our names
    "SELECT first, last, targets, body, sketch FROM archive LIMIT 0",
)
_FACTS = {("program", PROGRAM), ("schema_version", str(SCHEMA_VERSION))}


@contextmanager
def open_journal(url: str) -> Iterator[JournalReader]:
    """The journal behind `state.url`, without a lock; that of a state that does not exist is empty.

    Raises:
        StateError: the state cannot be read.
    """
    address = parse(url)
    with explained(address):
        connection = _opened(address) if isinstance(address, SqliteFile) else None
    if connection is not None:
        with closing(connection):
            yield _FileJournal(address, connection)
        return
    from reconciler.state.ledger import open_state  # noqa: PLC0415 - says what is wrong, or asks a server

    with closing(open_state(url, writer=False)) as ledger:
        yield ledger


def _opened(file: SqliteFile) -> sqlite3.Connection | None:
    """A transaction, which sees one moment; None unless it is a whole state of this very version.

    Raises:
        sqlite3.Error: another program holds the file; a second attempt would wait as long again.
    """
    try:
        with ExitStack() as stack:
            if not file.path.is_file():
                return None
            connection = stack.enter_context(closing(open_file(file.path, only_read=True)))
            connection.execute("BEGIN")
            facts, *_ = [connection.execute(look).fetchall() for look in _LOOKS]
            if set(facts) >= _FACTS and is_whole(file.path, connection):
                stack.pop_all()
                return connection
    except (OSError, sqlite3.Error) as error:
        if is_busy(error):
            raise
    return None


class _FileJournal(JournalReader):
    """The journal as one transaction sees it."""

    def __init__(self, where: object, connection: sqlite3.Connection) -> None:
        self._where = where
        self._connection = connection

    @contextmanager
    def _asking(self) -> Iterator[Ask]:
        with explained(self._where):
            yield self._ask

    def _ask(self, query: str, values: Mapping[str, Any]) -> Generator[tuple[Any, ...]]:
        with closing(self._connection.execute(query, values)) as cursor:
            yield from cursor
