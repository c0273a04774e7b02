"""The registry's own database: one SQLite file, one thread that touches it.

Write-ahead log with full synchronisation: what was answered survives kill -9 and power loss. One worker
thread serves this process; the event loop never waits on the disk. Whatever is asked in one turn of the
loop, or while the thread is busy, is served in one pass: all writes in one immediate transaction, answered
once it is on disk, then the reads. So a crowd of imports waits for the disk once, and several registry
processes may share a file.
"""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from reconciler.errors import StateError
from reconciler.private import close_to_others, make_directory, make_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

P = ParamSpec("P")
T = TypeVar("T")

_APPLICATION = 0x4D52_4547  # "MREG": marks the file as an embedded registry's
_VERSION = 1
_BUSY_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE models (
  sequence       INTEGER PRIMARY KEY,
  model_id       TEXT NOT NULL UNIQUE,
  project_id     TEXT NOT NULL,
  workspace_id   TEXT NOT NULL,
  model_name     TEXT NOT NULL,
  model_version  TEXT NOT NULL,
  version_rank   INTEGER NOT NULL,  -- the version as one number, for sorting
  model_type     TEXT NOT NULL,
  model_size     INTEGER NOT NULL,
  description    TEXT NOT NULL,
  source_type    TEXT NOT NULL,
  source_copy    TEXT,
  install_type   TEXT,              -- a JSON list
  owner          TEXT NOT NULL,
  tenant         TEXT NOT NULL,
  created_at     INTEGER NOT NULL,  -- this and the next two: milliseconds since the epoch
  built_at       INTEGER,           -- until then `building`; NULL where no image is built
  settled_at     INTEGER NOT NULL,  -- from then on `outcome`
  outcome        TEXT NOT NULL,     -- published, failed, building_failed
  outcome_reason TEXT,
  request_id     TEXT NOT NULL,     -- of the import call
  request        TEXT NOT NULL      -- its body, as it was received
) STRICT;
CREATE INDEX models_by_age ON models (project_id, workspace_id, created_at, sequence);
CREATE INDEX models_by_version ON models (project_id, workspace_id, model_version, model_name);
CREATE UNIQUE INDEX models_once ON models (project_id, model_name, model_version, workspace_id);
CREATE TABLE tokens (
  digest     TEXT PRIMARY KEY,      -- hex SHA-256; the token itself is not kept
  user_name  TEXT NOT NULL,
  domain     TEXT NOT NULL,
  project_id TEXT,                  -- NULL where the token's scope is the account
  expires_at REAL NOT NULL          -- seconds since the epoch
) STRICT;
"""


_REPEATED = """
DROP INDEX IF EXISTS models_once;
CREATE INDEX IF NOT EXISTS models_by_name ON models (project_id, model_name, model_version);
"""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class _Job(NamedTuple):
    work: Callable[[], Any]
    future: asyncio.Future[Any]
    writes: bool


_Done = tuple["asyncio.Future[Any]", object, Exception | None]
"""What became of a job: who waits for it, and a value or an error."""


class Database:
    """An open database; `close` it.

    Attributes:
        connection: for functions that `read` or `write` calls.
    """

    def __init__(self, path: Path | None, *, unique: bool = True) -> None:
        """Opens or makes the database.

        Args:
            path: the file, or None for one in memory.
            unique: False gives up the promise of one model a name and version, in this file for good.

        Raises:
            StateError: the file cannot be opened or made, or is something else.
        """
        try:
            self.connection = _open(path)
            if not unique:
                self.connection.executescript(_REPEATED)
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"registry database {path}: cannot be used: {_message(error)}") from error
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="registry-database")
        self._waiting: deque[_Job] = deque()
        self._closed = False

    async def read(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `function` in the worker thread. It is finished even when the caller goes away."""
        return await self._served(partial(function, *args, **kwargs), writes=False)

    async def write(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, inside a transaction that is on disk on return; an error undoes what `function` did.

        Others may share the transaction.

        Raises:
            sqlite3.Error: the transaction failed as a whole.
        """
        return await self._served(partial(function, *args, **kwargs), writes=True)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One immediate transaction: on disk on leaving, or undone on an error.

        For the worker thread, and for programs that use a database without one.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    async def _served(self, work: Callable[[], T], *, writes: bool) -> T:
        if self._closed:
            raise sqlite3.ProgrammingError("the database was closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Job(work, future, writes))
        if len(self._waiting) == 1:
            loop.call_soon(self._worker.submit, self._pass)  # after whatever else is asked in this turn
        return await future

    def _pass(self) -> None:
        jobs = []
        while self._waiting:
            jobs.append(self._waiting.popleft())
        writes = [job for job in jobs if job.writes]
        if writes:
            _tell(self._written(writes))
        for job in jobs:
            if not job.writes:
                _tell([_tried(job)])

    def _written(self, jobs: list[_Job]) -> list[_Done]:
        try:
            with self.transaction():
                return [self._written_alone(job) for job in jobs]
        except sqlite3.Error as error:
            return [(job.future, None, error) for job in jobs]

    def _written_alone(self, job: _Job) -> _Done:
        self.connection.execute("SAVEPOINT alone")
        done = _tried(job)
        if done[2] is not None:
            self.connection.execute("ROLLBACK TO alone")
        self.connection.execute("RELEASE alone")
        return done

    def check(self) -> None:
        """Reads something, inside `read`. Raises sqlite3.Error when that fails."""
        self.connection.execute("SELECT 1 FROM models LIMIT 1").fetchall()

    def close(self) -> None:
        """Finishes what runs and closes; safe to call twice."""
        self._closed = True
        self._worker.shutdown(wait=True)
        self.connection.close()


def _tried(job: _Job) -> _Done:
    try:
        return job.future, job.work(), None
    except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
        return job.future, None, error


def _tell(done: list[_Done]) -> None:
    """Wakes those who wait, each in its own loop; a loop that is closed has nobody left."""
    for loop in {future.get_loop() for future, _, _ in done}:
        theirs = [each for each in done if each[0].get_loop() is loop]
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_wake, theirs)


def _wake(done: list[_Done]) -> None:
    """In the thread of the loop; whoever went away meanwhile is passed over."""
    for future, value, error in done:
        if future.done():
            continue
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        make_directory(path.parent)
        make_file(path)
    connection = sqlite3.connect(
        path or ":memory:", timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        _claim(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if path is not None:
            close_to_others(path, *(path.with_name(path.name + end) for end in ("-wal", "-shm")))
    except BaseException:
        connection.close()
        raise
    return connection


def _message(error: sqlite3.Error | OSError) -> str:
    """What is wrong with the file, and what to do."""
    if isinstance(error, OSError):
        words, is_full = error.strerror or str(error), error.errno in _NO_SPACE
    else:
        words, is_full = str(error), getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    way_out = "make room" if is_full else "check the permissions of the file and its folder"
    return f"{words}; {way_out}, or name another file"


def _claim(connection: sqlite3.Connection, path: Path | None) -> None:
    """Makes the schema in an empty file; refuses a file that is not a registry's of this version."""
    connection.execute("BEGIN IMMEDIATE")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables:
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    elif application != _APPLICATION:
        raise StateError(f"registry database {path}: this is another program's database; name another file")
    elif version != _VERSION:
        raise StateError(
            f"registry database {path}: its version is {version}, and this program reads {_VERSION};"
            " use the program that wrote it, or name another file"
        )
    connection.execute("COMMIT")
