"""One open database: transactions to read in, transactions to write in, and an orderly end."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.errors import StateError
from reconciler.state.errors import explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine

    from reconciler.state.address import Address


class Database:
    """A state's database, opened to read or, under the writer's lock, to write as well.

    All writing goes through one connection. On PostgreSQL that connection carries the writer's lock, so that
    losing the lock and losing the means to write are the same event.

    Attributes:
        where: the database's name for people.
        writes: transactions committed since it was opened.
        session: what the next opening takes as `replaces` when this one was lost.
        exists: whether there is a state; one that does not exist is read as an empty one.
    """

    def __init__(  # noqa: PLR0913 - the parts of an open database
        self,
        where: Address,
        engine: Engine,
        closing: ExitStack,
        *,
        writer: Connection | None = None,
        ensure_ours: Callable[[], None] = lambda: None,
        session: str | None = None,
        exists: bool = True,
    ) -> None:
        """Wraps what one of the openers made.

        Args:
            where: the database's address.
            engine: for reading; sees only committed transactions.
            closing: what to release at the end, last in first out.
            writer: the connection to write through; None when opened to read.
            ensure_ours: raises StateError when the lock or the file is no longer this process's.
            session: names the server's session that holds the writer's lock; None for a file.
            exists: False for an empty state in memory, in the place of one that is not there.
        """
        self.where = where
        self.writes = 0
        self.session = session
        self.exists = exists
        self._engine = engine
        self._closing = closing
        self._writer = writer
        self._ensure_ours = ensure_ours
        self._one_at_a_time = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one moment of the state."""
        self._ensure_open()
        with explained(self.where), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def leading(self) -> Iterator[Connection]:
        """A transaction to read in that fails where the writer's lock is lost, though nothing is written."""
        self._ensure_open()
        with explained(self.where):
            self._ensure_ours()
        if self._writer is None or self._writer.dialect.name == "sqlite":
            with self.reading() as connection:
                yield connection
            return
        with self._one_at_a_time, explained(self.where), self._begun(self._writer) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk when the block is left, and leaves no trace when the block raises."""
        if self._writer is None:
            raise StateError(
                f"state {self.where} was opened to read only; a command that writes must open it so."
            )
        with self._one_at_a_time:
            self._ensure_open()
            with explained(self.where):
                self._ensure_ours()
                with self._begun(self._writer) as connection:
                    yield connection
            self.writes += 1

    @contextmanager
    def _begun(self, writer: Connection) -> Iterator[Connection]:
        """A transaction of the writer; it never connects again by itself, for the lock would be missing."""
        if writer.invalidated:
            raise StateError(
                f"state {self.where} was cut off from its server, and the writer's lock went with the "
                "connection. Run again: nothing that was reported as written is lost."
            )
        with writer.begin():
            yield writer

    def shrink(self) -> None:
        """Gives the room of what was removed back to the disk; a server does so by itself."""
        if self._writer is None or self._writer.dialect.name != "sqlite":
            return
        with self._one_at_a_time, explained(self.where):
            self._ensure_ours()
            connection: Any = self._writer.connection.driver_connection
            connection.execute("VACUUM")

    def close(self) -> None:
        """Waits for a write in flight, then releases connections and, last, the lock; safe to call twice."""
        with self._one_at_a_time, explained(self.where):
            self._closed = True
            self._closing.close()

    def _ensure_open(self) -> None:
        if self._closed:
            raise StateError(f"state {self.where} is closed already.")
