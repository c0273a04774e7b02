"""The registry's own database: one SQLite file, one thread that touches it.

Write-ahead log with full synchronisation: what was answered survives kill -9 and power loss. Each write is
one immediate transaction, so several registry processes may share a file. One worker thread serves
this process; the event loop never waits on the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from reconciler.errors import StateError

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
CREATE INDEX models_by_name ON models (project_id, model_name, model_version);
CREATE UNIQUE INDEX models_once ON models (project_id, workspace_id, model_name, model_version);
CREATE TABLE tokens (
  digest     TEXT PRIMARY KEY,      -- hex SHA-256; the token itself is not kept
  user_name  TEXT NOT NULL,
  domain     TEXT NOT NULL,
  project_id TEXT,                  -- NULL where the token's scope is the account
  expires_at REAL NOT NULL          -- seconds since the epoch
) STRICT;
"""


class Database:
    """An open database; `close` it."""

    def __init__(self, path: Path | None, *, unique: bool = True) -> None:
        """Opens or makes the database.

        Args:
            path: the file, or None for one in memory.
            unique: False gives up the promise of one model a name and version, in this file for good.

        Raises:
            StateError: the file cannot be opened or made, or is something else.
        """
        try:
            self._connection = _open(path)
            if not unique:
                self._connection.execute("DROP INDEX IF EXISTS models_once")
        except (sqlite3.Error, OSError) as error:
            raise StateError(
                f"registry database {path}: cannot be used: {error}; check the permissions of the file"
                " and its folder, or name another file"
            ) from error
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="registry-database")

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `function` in the worker thread. It is finished even when the caller goes away."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, partial(function, *args, **kwargs))

    @property
    def connection(self) -> sqlite3.Connection:
        """For reads, inside `run`."""
        return self._connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One immediate transaction, inside `run`: on disk on leaving, or undone on an error."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def check(self) -> None:
        """Reads something, inside `run`. Raises sqlite3.Error when that fails."""
        self._connection.execute("SELECT 1 FROM models LIMIT 1").fetchall()

    def close(self) -> None:
        """Finishes what runs and closes; safe to call twice."""
        self._worker.shutdown(wait=True)
        self._connection.close()


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path or ":memory:", timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path | None) -> None:
    _claim(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


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
