"""A connection to PostgreSQL that is given up when its server falls silent."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from psycopg import Connection, OperationalError

if TYPE_CHECKING:
    from collections.abc import Generator

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

SILENCE = 25.0
"""Seconds without a byte from the server after which a connection is given up: longer than any statement."""


class PatientConnection(Connection[Any]):
    """A connection that is closed when nothing is heard from its server for `silence` seconds."""

    silence = SILENCE

    def wait(self, gen: Generator[Any, Any, R], interval: float = 0.1, timeout: float | None = None) -> R:
        """Waits for whatever the driver does with the connection; see `psycopg.Connection.wait`."""
        return super().wait(self._heard(gen), interval, timeout)

    def _heard(self, gen: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """The driver's own steps; the waiting loop sends nothing (0) now and then while nothing comes."""
        heard = time.monotonic()
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.silence:
                    self.pgconn.finish()
                    raise OperationalError(f"the server said nothing for {self.silence:g} seconds")
                state = gen.send(ready)
        except StopIteration as end:
            result: R = end.value
            return result
