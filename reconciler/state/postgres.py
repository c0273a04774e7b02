"""A state in PostgreSQL, for replicas: each write of a target's imports proves the lease in its transaction.

Nothing is kept in a session: no lock, no setting, no prepared statement. So each transaction may go through
another connection of a pooler. No statement waits without end, see `reconciler.state.timeouts`.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event, inspect, text

from reconciler.engine.leadership import led_thing
from reconciler.errors import StateError, StateLockedError
from reconciler.printable import printable
from reconciler.state import SCHEMA_VERSION
from reconciler.state.database import Database
from reconciler.state.errors import explained
from reconciler.state.identity import establish, facts_of, is_blank, verify
from reconciler.state.sqlite import in_memory
from reconciler.state.tables import tell_postgresql
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from reconciler.state.address import PostgresDatabase

_LONGEST_NAME = 63
_TURNS = 100
_TURN = 0.1  # seconds; so often and so long the tables of a new state, or a migration, are waited for

_ADVISORY_HOLDER = text("""
    SELECT a.application_name, a.backend_start::timestamptz(0)::text
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
    AND (l.classid::bigint << 32 | l.objid::bigint) = :key
""")
_LEADERS = text("""
    SELECT target, holder, since::timestamptz(0) FROM lease WHERE expires_at > clock_timestamp()
    ORDER BY target = '', target
""")


def open_writer(database: PostgresDatabase, now: datetime) -> Database:
    """Connects, makes the tables if there are none, and opens the database to write.

    Raises:
        StateLockedError: a process of an earlier version holds the state, or it is migrated and led.
    """

    def prepare(engine: Engine) -> None:
        with engine.connect() as connection, connection.begin():
            is_ours = _has_our_version(connection)
        if not is_ours:
            _make(engine, database, now)

    return _opened(database, prepare)


def open_for_release(database: PostgresDatabase) -> Database:
    """Connects to write beside a leader; makes and migrates nothing."""
    return _opened(database, lambda _: None)


def _opened(database: PostgresDatabase, prepare: Callable[[Engine], None]) -> Database:
    with explained(database), ExitStack() as closing:
        engine = connected(database)
        closing.callback(engine.dispose)
        prepare(engine)
        with engine.connect() as connection, connection.begin():
            verify(connection, database)
        return Database(database, engine, closing.pop_all(), writer=partial(begun, engine))


def open_reader(database: PostgresDatabase, now: datetime) -> Database:
    """Connects to read, without a lock; a database without the tables is an empty state and stays so."""
    with explained(database), ExitStack() as closing:
        engine: Engine = connected(database).execution_options(reads_only=True)
        closing.callback(engine.dispose)
        with engine.connect() as connection, connection.begin():
            blank = is_blank(connection)
            if not blank:
                verify(connection, database)
        if blank:
            engine = in_memory(now)
            closing.callback(engine.dispose)
        return Database(database, engine, closing.pop_all(), exists=not blank)


def connected(database: PostgresDatabase, idle_timeout: float | None = None) -> Engine:
    """An engine on the database; connects when it is first used.

    After `idle_timeout` seconds without a byte from the server a connection is given up; by default somewhat
    longer than a statement may take.
    """
    name = f"reconciler process {os.getpid()} on {socket.gethostname()}"
    arguments = {
        "application_name": name.encode("ascii", "replace")[:_LONGEST_NAME].decode("ascii"),
        "prepare_threshold": None,  # a prepared statement belongs to a session, which a pooler shares
    }
    try:
        engine = create_engine(
            database.url,
            connect_args=arguments,
            isolation_level="AUTOCOMMIT",  # a transaction begins as it says itself, see `timeout_listeners`
            hide_parameters=True,
            paramstyle="format",  # values by their place, see `reconciler.state.raw_rows`
        )
        from reconciler.state.timeouts import timeout_listeners  # noqa: PLC0415 - brings the driver
    except ModuleNotFoundError as error:
        raise StateError(
            "a state in PostgreSQL needs the driver psycopg, which is not installed. Run "
            "`pip install 'model-reconciler[postgres]'`, or use sqlite:///… in state.url."
        ) from error
    for name, listener in timeout_listeners(database.url.query, idle_timeout).items():
        event.listen(engine, name, listener)
    return engine


@contextmanager
def begun(engine: Engine, sees_others: bool) -> Iterator[Connection]:
    """A transaction to write in; it is on the server's disk when it is committed."""
    options = {"isolation": "READ COMMITTED"} if sees_others else {}
    with engine.connect().execution_options(writes=True, **options) as connection, connection.begin():
        yield connection


def ensure_nobody_leads(connection: Connection, where: PostgresDatabase) -> None:
    """Keeps every lease from being taken or used until this transaction ends. Raises StateLockedError."""
    connection.execute(text("LOCK TABLE lease IN EXCLUSIVE MODE"))
    leader = connection.execute(_LEADERS).first()
    if leader is not None:
        target, holder, since = leader
        name = printable(holder.partition(" (")[0])
        raise StateLockedError.of(
            f"{name} since {shown_time(since)}, which leads {printable(led_thing(target))} (state {where})"
        )


def _has_our_version(connection: Connection) -> bool:
    return facts_of(connection).get("schema_version") == str(SCHEMA_VERSION)


def _make(engine: Engine, database: PostgresDatabase, now: datetime) -> None:
    """Makes the tables, or brings those of an earlier version up to date; one process at a time."""
    from reconciler.state.timeouts import long_transaction  # noqa: PLC0415 - brings the driver

    for turn in range(_TURNS):
        with begun(engine, sees_others=True) as connection:  # what another process may just have made
            if _is_our_turn(connection, database, is_last=turn == _TURNS - 1):
                if not _has_our_version(connection):  # another process may just have done it
                    with long_transaction(connection):
                        if is_blank(connection):
                            tell_postgresql()
                            establish(connection, now)
                        elif inspect(connection).has_table("lease"):
                            ensure_nobody_leads(connection, database)
                        verify(connection, database, migrates=True)
                return
        time.sleep(_TURN)


def _is_our_turn(connection: Connection, database: PostgresDatabase, *, is_last: bool) -> bool:
    """Takes a lock that ends with the transaction: the same that a writer of version 3 held all its life.

    Raises:
        StateLockedError: it was not free the last time either.
    """
    schema = connection.scalar(text("SELECT current_schema()"))
    if schema is None:
        raise StateError(
            f"state {database} has no schema on its search_path. Create one, or correct state.url."
        )
    key = int.from_bytes(hashlib.sha256(f"model-reconciler {schema}".encode()).digest()[:8]) >> 1
    if connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}):
        return True
    if is_last:
        holder = connection.execute(_ADVISORY_HOLDER, {"key": key}).first()
        who = f"{holder[0]} since {holder[1]}" if holder else "another process"
        raise StateLockedError(
            f"state {database} is being written by {printable(who)}, a process of an earlier version. Stop "
            "it first; `plan`, `status` and `history` of that version work meanwhile."
        )
    return False
