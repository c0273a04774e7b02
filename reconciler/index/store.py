"""The file of the index."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reconciler.errors import IndexLostError
from reconciler.index.history import SCHEMA as HISTORY_SCHEMA
from reconciler.index.history import TargetHistory
from reconciler.index.target_index import TargetIndex
from reconciler.private import close_to_others, make_directory, make_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_VERSION = 6
_BUSY_SECONDS = 5.0

# The first row of a file is of its first declaration, if it has any, and says what is of the whole file: a
# table of files would be a second row for nearly every document. In rows of further ones that is NULL.
_SCHEMA = """
CREATE TABLE target (
    name TEXT PRIMARY KEY, rules TEXT NOT NULL, base TEXT NOT NULL, number INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE document (
    target TEXT, path BLOB, line INTEGER, name TEXT, version TEXT, digest TEXT, warnings TEXT,
    blob TEXT, last_commits TEXT, faults TEXT
);
CREATE INDEX document_by_path ON document (target, path);
CREATE INDEX document_by_pair ON document (target, name, version);
CREATE INDEX faulty ON document (target) WHERE faults IS NOT NULL;
CREATE TABLE config_file (target TEXT, path BLOB, place INTEGER, named BLOB, blob TEXT);
CREATE INDEX config_file_by_path ON config_file (target, path);
CREATE INDEX config_file_by_name ON config_file (target, named);
"""


class Store:
    """The index of every target of one configuration.

    The file is opened when it is first asked, or something is saved; a standby does neither. One that cannot
    be used is taken for empty, and made anew when something is saved. One process writes at a time: the one
    that holds the state. May be used from several threads, one at a time.
    """

    def __init__(self, path: Path | None, *, writes: bool) -> None:
        """Of a file that may not be there; None keeps everything in memory.

        Unless this `writes`, the file is left as it is, or absent.
        """
        self._path = path
        self._writes = writes
        self._open: sqlite3.Connection | None = None

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = self._opened()
        return self._open

    def of(self, target: str, rules: str) -> TargetIndex:
        """One target's part; what was kept under other `rules` is not given.

        These are whatever else decides what a file says, such as the directory, the edition and the program's
        rules.
        """
        return TargetIndex(self, target, rules)

    def history_of(self, target: str) -> TargetHistory:
        """What is kept of the history of one target's manifests, up to a commit."""
        return TargetHistory(self, target)

    @contextmanager
    def of_one_moment(self) -> Iterator[Store]:
        """What is read in the block is of one moment, whatever another process saves meanwhile."""
        with suppress(sqlite3.DatabaseError):  # a file that is damaged is noticed when it is read
            self._connection.execute("BEGIN")
        try:
            yield self
        finally:
            with suppress(sqlite3.Error):
                self._connection.rollback()

    def close(self) -> None:
        """Closes the file; safe to call twice."""
        if self._open is not None:
            self._open.close()

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query.

        Raises:
            IndexLostError: the file turned out to be unusable; from now on this is an empty index.
        """
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            self._forget()
            raise IndexLostError(f"index {self._path}: {error}; it is made anew") from error

    def write(self, work: Iterable[tuple[str, Iterable[tuple[Any, ...]]]]) -> None:
        """Carries out all statements, each for all of its rows, or none of them."""
        try:
            with self._connection:
                # IMMEDIATE waits for the write lock; one that asks for it after reading fails at once
                self._connection.execute("BEGIN IMMEDIATE")
                for statement, rows in work:
                    self._connection.executemany(statement, rows)
        except sqlite3.DatabaseError:
            self._forget()

    def _opened(self) -> sqlite3.Connection:
        """The file's connection; one in memory where there is no file to read, or none can be made."""
        if self._path is None or not (self._writes or self._path.exists()):
            return _blank(":memory:")
        try:
            connection = _usable(self._path, writes=self._writes)
            if connection is None and self._writes:
                _remove(self._path)
                connection = _connect(self._path, writes=True)
                _establish(connection)
        except (OSError, sqlite3.Error):
            connection = None
        return connection or _blank(":memory:")

    def _forget(self) -> None:
        """Goes on without the file; the next process makes a new one."""
        with suppress(sqlite3.Error):
            self.close()
        if self._path is not None and self._writes:
            with suppress(OSError):
                _remove(self._path)
        self._open = _blank(":memory:")


def _blank(place: str) -> sqlite3.Connection:
    connection = sqlite3.connect(place, check_same_thread=False, isolation_level=None)
    _establish(connection)
    return connection


def _connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    if writes:
        make_directory(path.parent)
        make_file(path)
        close_to_others(path)
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=_BUSY_SECONDS)
    if writes:
        connection.execute("PRAGMA journal_mode = WAL")  # readers and the writer do not wait for each other
        # a power cut may cost the newest commit, never the file
        connection.execute("PRAGMA synchronous = NORMAL")
    else:
        connection.execute("PRAGMA query_only = ON")
    return connection


def _usable(path: Path, *, writes: bool) -> sqlite3.Connection | None:
    """The file, opened; None when it holds no index of this version."""
    connection = None
    try:
        connection = _connect(path, writes=writes)
        with closing(connection.execute("PRAGMA user_version")) as cursor:
            if cursor.fetchone()[0] == _VERSION:
                return connection
    except sqlite3.DatabaseError:
        pass
    if connection is not None:
        connection.close()
    return None


def _establish(connection: sqlite3.Connection) -> None:
    # the version in the transaction of the schema: a crash leaves both or neither
    connection.executescript(f"BEGIN;{_SCHEMA}{HISTORY_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")


def _remove(path: Path) -> None:
    # the file first: SQLite drops a `-wal` without its file, but reads a file without its `-wal`
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
