"""The file of the index, and one target's part of it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import LastCommit, ManifestRef, ParsedFile
from reconciler.errors import IndexLostError
from reconciler.index.history import SCHEMA as HISTORY_SCHEMA
from reconciler.index.history import TargetHistory
from reconciler.manifest import InvalidManifest
from reconciler.manifest.values import reason_of, row_of
from reconciler.private import close_to_others, make_directory, make_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from reconciler.engine.values import HistoryUpdate

_VERSION = 3
_BUSY_SECONDS = 5.0

_SCHEMA = """
CREATE TABLE target (name TEXT PRIMARY KEY, rules TEXT NOT NULL, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE file (target TEXT, path BLOB, blob TEXT NOT NULL, credits TEXT, faults TEXT);
CREATE INDEX file_by_path ON file (target, path);
CREATE INDEX faulty ON file (target) WHERE faults IS NOT NULL;
CREATE TABLE declaration (
    target TEXT, path BLOB, line INTEGER, name TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL,
    warnings TEXT
);
CREATE INDEX declaration_by_path ON declaration (target, path);
CREATE INDEX declaration_by_pair ON declaration (target, name, version);
CREATE TABLE companion (target TEXT, path BLOB, place INTEGER, named BLOB, blob TEXT);
CREATE INDEX companion_by_path ON companion (target, path);
CREATE INDEX companion_by_name ON companion (target, named);
"""
_TABLES = ("companion", "declaration", "file")
_DECLARED = "path, line, name, version, digest, warnings"
_DECLARATIONS = f"SELECT {_DECLARED} FROM declaration WHERE target = ?"  # noqa: S608 - names of this module
_COUNT = """
SELECT (SELECT count(*) FROM declaration WHERE {0}) + (SELECT count(*) FROM file WHERE {0} AND faults IS NOT
NULL)
"""


class Store:
    """The index of every target of one configuration.

    A file that cannot be used is taken for empty, and made anew when something is saved. One process writes
    at a time: the one that holds the state. May be used from several threads, one at a time.
    """

    def __init__(self, path: Path | None, *, writes: bool) -> None:
        """Opens the file, if it is there.

        Args:
            path: the file; None keeps everything in memory.
            writes: whether `save` writes to it. Without it the file is left as it is, or absent.
        """
        self._path = path
        self._writes = writes
        self._connection = self._opened()

    def of(self, target: str, rules: str) -> TargetIndex:
        """One target's part.

        Args:
            target: its name.
            rules: whatever else decides what a file says, such as the directory, the edition and the
                program's rules: what was kept under others is not given.
        """
        return TargetIndex(self, target, rules)

    @contextmanager
    def of_one_moment(self) -> Iterator[Store]:
        """What is read in the block is of one moment, whatever another process saves meanwhile."""
        with suppress(sqlite3.DatabaseError):  # whatever is wrong with the file, reading it will tell
            self._connection.execute("BEGIN")
        try:
            yield self
        finally:
            with suppress(sqlite3.Error):
                self._connection.rollback()

    def close(self) -> None:
        """Closes the file; safe to call twice."""
        self._connection.close()

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
        """Goes on without the file, and lets the next process make a new one."""
        with suppress(sqlite3.Error):
            self._connection.close()
        if self._path is not None and self._writes:
            with suppress(OSError):
                _remove(self._path)
        self._connection = _blank(":memory:")


class TargetIndex:
    """One target's part of the index; implements `reconciler.engine.ports.Index`."""

    def __init__(self, store: Store, target: str, rules: str) -> None:
        self.rules = rules
        self.history = TargetHistory(store, target)
        self._store = store
        self._target = target

    def base(self) -> str | None:
        """The commit whose files it holds; None when it holds nothing."""
        query = "SELECT base FROM target WHERE name = ? AND rules = ?"
        return next((base for (base,) in self._store.rows(query, (self._target, self.rules))), None)

    def parsed_files(
        self,
        paths: Collection[str] | None = None,
        *,
        naming: Collection[str] | None = None,
        faulty: bool = False,
    ) -> Iterator[ParsedFile]:
        """What files say: all, or those of these paths, naming one of these, or with something invalid."""
        if self.base() is None:
            return
        raws = None if paths is None else _raws(paths)
        if naming is not None:
            query = "SELECT path FROM companion WHERE target = ? AND named = ?"
            results = (self._store.rows(query, (self._target, raw)) for raw in _raws(naming))
            raws = sorted({path for rows in results for (path,) in rows})
        elif faulty:
            query = "SELECT path FROM file WHERE target = ? AND faults IS NOT NULL"
            raws = [path for (path,) in self._store.rows(query, (self._target,))]
        yield from self._readings(raws)

    def blobs(self) -> Iterator[tuple[str, str]]:
        """Every file that is held, with its object id."""
        rows = self._store.rows("SELECT path, blob FROM file WHERE target = ?", (self._target,))
        return ((_path(path), blob) for path, blob in rows)

    def declarations(
        self, pairs: Collection[ModelKey] | None = None, *, names: Collection[str] | None = None
    ) -> Iterator[ManifestRef]:
        """Who declares these pairs, or a version of one of these names; with neither, all that there is."""
        asked: Iterable[tuple[str, tuple[str, ...]]] = [("", ())]
        if names is not None:
            asked = ((" AND name = ?", (name,)) for name in names)
        elif pairs is not None:
            asked = ((" AND name = ? AND version = ?", tuple(pair)) for pair in pairs)
        for where, values in asked:
            rows = self._store.rows(_DECLARATIONS + where, (self._target, *values))
            yield from map(_declaration, rows)

    def last_commits(self, paths: Collection[str] | None) -> Iterator[tuple[tuple[str, int], LastCommit]]:
        """Who gave the documents of these files the content they have, by path and line."""
        same: dict[LastCommit, LastCommit] = {}
        for path, written in self._rows("path, credits", "file", None if paths is None else _raws(paths)):
            for line, credit in _credits(written):
                yield (_path(path), line), same.setdefault(credit, credit)

    def number(self, without: Collection[str]) -> int:
        """How many documents and files declare something, or fail to; without those of some files."""
        total = self._store.rows(_COUNT.format("target = ?1"), (self._target,))
        one = _COUNT.format("target = ?1 AND path = ?2")
        less = [n for path in without for (n,) in self._store.rows(one, (self._target, _raw(path)))]
        return int(sum(number for (number,) in total) - sum(less))

    def save(
        self,
        commit: str | None,
        changed: Mapping[str, ParsedFile | None],
        *,
        whole: bool,
        history: HistoryUpdate | None = None,
    ) -> None:
        """Holds from now on what the files of this commit say, all or none of it; None for nothing."""
        if commit is None:
            forgotten = ("DELETE FROM target WHERE name = ?", [(self._target,)])
            self._store.write([forgotten, *self.history.statements("", None)])
            return
        kept = self.history.statements(commit, history)
        # one transaction: the base of one commit with files of another would hide what changed between them
        self._store.write([*self._statements(commit, changed, whole=whole), *kept])

    def _statements(
        self, commit: str, changed: Mapping[str, ParsedFile | None], *, whole: bool
    ) -> Iterator[tuple[str, Iterable[tuple[Any, ...]]]]:
        target = self._target
        for table in _TABLES:
            if whole:
                yield f"DELETE FROM {table} WHERE target = ?", [(target,)]  # noqa: S608 - names of this module
            else:
                gone = [(target, _raw(path)) for path in changed]
                yield f"DELETE FROM {table} WHERE target = ? AND path = ?", gone  # noqa: S608
        now = [parsed_file for parsed_file in changed.values() if parsed_file is not None]
        yield "INSERT INTO file VALUES (?, ?, ?, ?, ?)", (self._file(parsed_file) for parsed_file in now)
        yield (
            "INSERT INTO declaration VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    target,
                    _raw(d.path),
                    d.line,
                    *d.pair,
                    d.digest,
                    json.dumps(list(map(row_of, d.warnings))) if d.warnings else None,
                )
                for parsed_file in now
                for d in parsed_file.declarations
            ),
        )
        yield (
            "INSERT INTO companion VALUES (?, ?, ?, ?, ?)",
            (
                (target, _raw(parsed_file.path), place, _raw(named), blob)
                for parsed_file in now
                for place, (named, blob) in enumerate(parsed_file.companions)
            ),
        )
        yield "REPLACE INTO target VALUES (?, ?, ?)", [(target, self.rules, commit)]

    def _file(self, parsed_file: ParsedFile) -> tuple[Any, ...]:
        faults = [
            [one.line, one.model_name, one.model_version, list(map(row_of, one.reasons))]
            for one in parsed_file.invalid
        ]
        return (
            self._target,
            _raw(parsed_file.path),
            parsed_file.blob,
            json.dumps([[line, *credit] for line, credit in parsed_file.last_commits]),
            json.dumps(faults) if faults else None,
        )

    def _readings(self, paths: Collection[bytes] | None) -> Iterator[ParsedFile]:
        files = self._rows("path, blob, credits, faults", "file", paths)
        declarations = _grouped(
            (row[0], _declaration(row)) for row in self._rows(_DECLARED, "declaration", paths)
        )
        companions = _grouped(
            (path, (_path(named), blob))
            for path, named, blob in self._rows("path, named, blob", "companion", paths)
        )
        for path, blob, written, faults in files:
            yield ParsedFile(
                _path(path),
                blob,
                tuple(declarations.get(path, ())),
                tuple(_fault(_path(path), *fault) for fault in json.loads(faults or "[]")),
                tuple(companions.get(path, ())),
                _credits(written),
            )

    def _rows(self, columns: str, table: str, paths: Collection[bytes] | None) -> Iterable[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM {table} WHERE target = ?"  # noqa: S608 - names of this module
        if paths is None:
            return self._store.rows(query, (self._target,))
        return (
            row for path in paths for row in self._store.rows(f"{query} AND path = ?", (self._target, path))
        )


def _grouped(rows: Iterable[tuple[bytes, Any]]) -> dict[bytes, list[Any]]:
    grouped: dict[bytes, list[Any]] = {}
    for path, value in rows:
        grouped.setdefault(path, []).append(value)
    return grouped


def _declaration(row: tuple[Any, ...]) -> ManifestRef:
    path, line, name, version, digest, warnings = row
    return ManifestRef(
        ModelKey(name, version),
        digest,
        _path(path),
        line,
        () if warnings is None else tuple(map(reason_of, json.loads(warnings))),
    )


def _fault(
    path: str, line: int, name: str | None, version: str | None, reasons: list[Any]
) -> InvalidManifest:
    return InvalidManifest(path, line, tuple(map(reason_of, reasons)), name, version)


def _credits(written: str) -> tuple[tuple[int, LastCommit], ...]:
    return tuple((line, LastCommit(commit, author)) for line, commit, author in json.loads(written))


def _raws(paths: Iterable[str]) -> list[bytes]:
    return list(map(_raw, paths))


def _raw(path: str) -> bytes:
    """A path's bytes: it may hold some that are not UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


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
    connection.executescript(f"BEGIN;{_SCHEMA}{HISTORY_SCHEMA}PRAGMA user_version = {_VERSION};COMMIT;")


def _remove(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
