"""A state in PostgreSQL, for replicas: an advisory lock makes one of them the writer.

The lock belongs to the session that also does all writing. However that session ends, the server frees the
lock and rolls back what was not committed. No statement waits without end, see `reconciler.state.patience`.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from reconciler.errors import StateError, StateLockedError
from reconciler.printable import printable
from reconciler.state.database import Database
from reconciler.state.errors import explained
from reconciler.state.identity import establish, is_blank, verify
from reconciler.state.sqlite import in_memory

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from reconciler.state.address import PostgresDatabase

_LONGEST_NAME = 63
_LOCK_ATTEMPTS = 20
_LOCK_PAUSE = 0.1  # seconds; so long takes a session that was ended to let go of its lock

_HOLDER = text("""
    SELECT a.application_name, a.backend_start::timestamptz(0)::text
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
    AND (l.classid::bigint << 32 | l.objid::bigint) = :key
""")
_DURABLE = text(
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)


_SESSION = text("""
    SELECT pid::text || ' ' || backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()
""")
_END = text("""
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid::text || ' ' || backend_start::text = :session AND pid <> pg_backend_pid()
""")


def open_writer(database: PostgresDatabase, now: datetime, replaces: str | None = None) -> Database:
    """Connects, takes the lock, makes the tables if there are none, and opens the database to write."""
    with explained(database), ExitStack() as closing:
        engine = _engine(database)
        closing.callback(engine.dispose)
        from reconciler.state.patience import unhurried  # noqa: PLC0415 - brings the driver

        writer = engine.connect()
        closing.callback(writer.close)
        with writer.begin():
            _take_over(writer, database, replaces)
            writer.execute(_DURABLE)
            session = writer.scalar(_SESSION)
        with writer.begin():
            if is_blank(writer):
                establish(writer, now)
            with unhurried(writer):
                verify(writer, database, migrates=True)
        return Database(database, engine, closing.pop_all(), writer=writer, session=session)


def open_for_release(database: PostgresDatabase) -> Database:
    """Connects to write beside the writer: without its lock, one transaction at a time."""
    with explained(database), ExitStack() as closing:
        engine = _engine(database)
        closing.callback(engine.dispose)
        writer = engine.connect()
        closing.callback(writer.close)
        with writer.begin():
            writer.execute(_DURABLE)
            verify(writer, database)
        return Database(database, engine, closing.pop_all(), writer=writer)


def open_reader(database: PostgresDatabase, now: datetime) -> Database:
    """Connects to read, without a lock; a database without the tables is an empty state and stays so."""
    with explained(database), ExitStack() as closing:
        engine: Engine = _engine(database).execution_options(postgresql_readonly=True)
        closing.callback(engine.dispose)
        with engine.connect() as connection, connection.begin():
            blank = is_blank(connection)
            if not blank:
                verify(connection, database)
        if blank:
            engine = in_memory(now)
            closing.callback(engine.dispose)
        return Database(database, engine, closing.pop_all(), exists=not blank)


def _engine(database: PostgresDatabase) -> Engine:
    name = f"reconciler process {os.getpid()} on {socket.gethostname()}"
    arguments = {"application_name": name.encode("ascii", "replace")[:_LONGEST_NAME].decode("ascii")}
    try:
        engine = create_engine(
            database.url, connect_args=arguments, isolation_level="REPEATABLE READ", hide_parameters=True
        )
        from reconciler.state.patience import limit  # noqa: PLC0415 - brings the driver
    except ModuleNotFoundError as error:
        raise StateError(
            "a state in PostgreSQL needs the driver psycopg, which is not installed. Run "
            "`pip install 'model-reconciler[postgres]'`, or use sqlite:///… in state.url."
        ) from error
    limit(engine, database.url.query)
    return engine


def _take_over(writer: Connection, database: PostgresDatabase, replaces: str | None) -> None:
    """Takes the lock; a session of this process that was given up is ended where it still stands."""
    if replaces and writer.execute(_END, {"session": replaces}).first():
        for _ in range(_LOCK_ATTEMPTS):
            with suppress(StateLockedError):
                return _lock(writer, database)
            time.sleep(_LOCK_PAUSE)
    return _lock(writer, database)


def _lock(writer: Connection, database: PostgresDatabase) -> None:
    schema = writer.scalar(text("SELECT current_schema()"))
    if schema is None:
        raise StateError(
            f"state {database} has no schema on its search_path. Create one, or correct state.url."
        )
    key = int.from_bytes(hashlib.sha256(f"model-reconciler {schema}".encode()).digest()[:8]) >> 1
    if not writer.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}):
        holder = writer.execute(_HOLDER, {"key": key}).first()
        who = f"{holder[0]} since {holder[1]}" if holder else "another process"
        raise StateLockedError(
            f"state {database} is being written by {printable(who)}. Wait until it is done, or stop "
            "it; `plan`, `status` and `history` work meanwhile."
        )
