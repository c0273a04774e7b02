"""Timeouts of connections to PostgreSQL: no call waits without end.

Three things may hang, and each has a timeout: a statement that the server works on is ended by the server; a
peer that acknowledges nothing, by the kernels of both ends; and a connection that is acknowledged and answers
nothing, as behind a proxy that hangs, by this process. What `state.url` sets itself is left as it is.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, OperationalError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

R = TypeVar("R")

CONNECTING = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""libpq's parameters, in seconds but for `tcp_user_timeout`: milliseconds.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

IDLE_TIMEOUT = 25.0
"""Seconds without a byte from the server after which a connection is given up: longer than any statement."""


class TimeoutConnection(Connection[Any]):
    """A connection that is closed when nothing comes from its server for `idle_timeout` seconds."""

    idle_timeout = IDLE_TIMEOUT

    def wait(self, gen: Generator[Any, Any, R], interval: float = 0.1, timeout: float | None = None) -> R:
        """Waits for whatever the driver does with the connection; see `psycopg.Connection.wait`."""
        return super().wait(self._ended_when_idle(gen), interval, timeout)

    def _ended_when_idle(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """The driver's own steps; the waiting loop sends nothing (0) now and then while nothing comes."""
        last_bytes = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    last_bytes = time.monotonic()
                elif time.monotonic() - last_bytes > self.idle_timeout:
                    self.pgconn.finish()
                    raise OperationalError(f"the server said nothing for {self.idle_timeout:g} seconds")
                state = gen.send(ready)
        except StopIteration as end:
            result: R = end.value
            return result


TRANSACTION = {
    "statement_timeout": "20s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_user_timeout": "10s",
    "tcp_keepalives_idle": "5s",
    "tcp_keepalives_interval": "3s",
    "tcp_keepalives_count": "3",
}
"""The server's settings of each transaction, by which it ends what this process cannot end any more.

https://www.postgresql.org/docs/current/runtime-config-client.html
"""

_IDLE = "idle_in_transaction_session_timeout"
_WAITS = ("statement_timeout", "lock_timeout", _IDLE)

DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)
"""What a transaction that writes says first: a server may be told to commit before it is on disk."""

_IDLE_WRITER = 8.0
"""Seconds that a process may stand still in a transaction that writes; others wait longer for its locks."""

_MIGRATION = 900.0  # seconds that one statement of a migration may take
_AFTER_THE_SERVER = 5.0  # seconds; so much longer is waited than the server lets a statement run
_EFFECTIVE = "SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'"


def timeout_listeners(
    chosen: Mapping[str, Any], idle_timeout: float | None = None
) -> dict[str, Callable[..., Any]]:
    """Listeners by the events of SQLAlchemy, which limit an engine's connections and transactions.

    The engine is one of PostgreSQL, by psycopg.

    The settings are those of each transaction, and not of a session: a pooler gives the next transaction
    another session. They are sent together with its `BEGIN`, so that they cost no round trip: the
    engine's own isolation level is `AUTOCOMMIT`, and each transaction has the one of its option `isolation`.

    Args:
        chosen: the parameters that `state.url` gives: they are left as they are, and so are the server's
            settings that its `options` name.
        idle_timeout: as the attribute of a connection; by default what its statements may take, and a little.
            What this process has given up by then, the server ends as well, with the locks others wait for.
    """
    options = str(chosen.get("options", ""))
    all_settings = (
        TRANSACTION if idle_timeout is None else TRANSACTION | dict.fromkeys(_WAITS, _in_ms(idle_timeout))
    )
    settings = {name: value for name, value in all_settings.items() if name not in options}
    local = _set_local(settings)
    writes = (
        [DURABLE]
        if idle_timeout or _IDLE in options
        else [DURABLE, _set_local({_IDLE: _in_ms(_IDLE_WRITER)})]
    )

    def connect(_: object, __: object, arguments: list[Any], parameters: dict[str, Any]) -> TimeoutConnection:
        return TimeoutConnection.connect(*arguments, **(CONNECTING | parameters))

    def connected(connection: TimeoutConnection, _: object) -> None:
        connection.idle_timeout = idle_timeout or IDLE_TIMEOUT
        if idle_timeout is None and "statement_timeout" not in settings:
            connection.autocommit = True
            row = connection.execute(_EFFECTIVE).fetchone()
            seconds = (row[0] if row else 0) / 1000
            connection.idle_timeout = seconds + _AFTER_THE_SERVER if seconds else float("inf")
            connection.autocommit = False

    def begin(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        options = connection.get_execution_options()
        mode = "READ ONLY" if options.get("reads_only") else "READ WRITE"
        started = f"BEGIN ISOLATION LEVEL {options.get('isolation', 'REPEATABLE READ')} {mode}"
        statements = filter(None, [started, local, *(writes if options.get("writes") else [])])
        connection.exec_driver_sql("; ".join(statements)).close()

    return {"do_connect": connect, "connect": connected, "begin": begin}


def _set_local(settings: Mapping[str, str]) -> str:
    return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in settings.items())


def _in_ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}ms"


@contextmanager
def long_transaction(connection: Any) -> Iterator[None]:  # noqa: ANN401 - SQLAlchemy's, in a transaction
    """Lengthens the timeouts of a transaction that may take long, such as a migration of many rows."""
    driver: TimeoutConnection = connection.connection.driver_connection
    kept, driver.idle_timeout = driver.idle_timeout, _MIGRATION + _AFTER_THE_SERVER
    settings = {"statement_timeout": _in_ms(_MIGRATION), _IDLE: TRANSACTION[_IDLE]}
    connection.exec_driver_sql(_set_local(settings))
    try:
        yield
    finally:
        driver.idle_timeout = kept
