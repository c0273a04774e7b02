"""The journal in a file, read without SQLAlchemy, which takes longer to load than an answer does."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.state.address import SqliteFile, parse
from reconciler.state.archive import ALL_COLUMNS
from reconciler.state.errors import explained, is_busy
from reconciler.state.journal_reader import JournalReader
from reconciler.state.sqlite_file import is_whole, open_file
from reconciler.state.version import PROGRAM, SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from reconciler.state.archive import Ask

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
    from reconciler.state.opening import open_state  # noqa: PLC0415 - says what is wrong, or asks a server

    with closing(open_state(url, writer=False)) as ledger:
        yield ledger


def _opened(file: SqliteFile) -> sqlite3.Connection | None:
    """A transaction, which sees one moment; None unless it is a whole state of this very version.

    Raises:
        sqlite3.Error: another program holds the file; whoever asks again would wait as long again.
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
