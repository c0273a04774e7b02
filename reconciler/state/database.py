"""One open database: transactions to read in, transactions to write in, and an orderly end."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import DBAPIError

from reconciler.errors import StateError
from reconciler.state.address import Address, SqliteFile
from reconciler.state.errors import explained, is_passing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy.engine import Connection, Engine


T = TypeVar("T")

_ATTEMPTS = 20  # of one transaction that others keep getting in the way of


class Database:
    """A state's database, opened to read or to write as well.

    All writing of one process is one transaction after the other. On a file it goes through one connection,
    under the writer's lock. On a server any connection will do: nothing is kept in a session, so that a
    pooler may give each transaction another one, and what may be written is decided by the transaction
    itself (see `reconciler.state.leases`).

    Attributes:
        where: the database's name for people.
        writes: transactions committed since it was opened.
        exists: whether there is a state; one that does not exist is read as an empty one.
    """

    def __init__(  # noqa: PLR0913 - the parts of an open database
        self,
        where: Address,
        engine: Engine,
        closing: ExitStack,
        *,
        writer: Callable[[bool], AbstractContextManager[Connection]] | None = None,
        ensure_ours: Callable[[], None] = lambda: None,
        exists: bool = True,
    ) -> None:
        """Wraps what one of the openers made.

        Args:
            where: the database's address.
            engine: for reading; sees only committed transactions.
            closing: what to release at the end, last in first out.
            writer: begins a transaction to write in, which is committed when its block is left. It is told
                whether each statement sees what others have committed by then; otherwise all see what was
                committed when the first began. None when opened to read.
            ensure_ours: raises StateError when the lock or the file is no longer this process's.
            exists: False for an empty state in memory, in the place of one that is not there.
        """
        self.where = where
        self.writes = 0
        self.exists = exists
        self._engine = engine
        self._closing = closing
        self._writer = writer
        self._ensure_ours = ensure_ours
        self._one_at_a_time = threading.Lock()
        self._closed = False

    @property
    def is_shared(self) -> bool:
        """Whether other machines may write to it, so that leases say who does, and not a file lock."""
        return self._engine.dialect.name != "sqlite"

    def long_transaction(self, connection: Connection) -> AbstractContextManager[None]:
        """Lengthens the timeouts of a transaction that may take long; in a file there are none."""
        if not self.is_shared:
            return nullcontext()
        from reconciler.state.timeouts import long_transaction  # noqa: PLC0415 - brings the driver

        return long_transaction(connection)

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
        with self.reading() as connection:
            yield connection

    def write(self, work: Callable[[Connection], T], *, sees_others: bool = False) -> T:
        """Does the work in a transaction, which is on disk on return, and leaves no trace when this raises.

        Where the server ends it because of what another process did at the same time, all of the work is
        done again, on what is there then: it has no effect but what it writes.

        Args:
            work: what to do.
            sees_others: each statement sees what others have committed by then, where there are others.
        """
        if self._writer is None:
            raise StateError(
                f"state {self.where} was opened to read only; a command that writes must open it so."
            )
        with self._one_at_a_time:
            self._ensure_open()
            with explained(self.where):
                self._ensure_ours()
                done = self._repeated(partial(self._writer, sees_others), work)
            self.writes += 1
        return done

    def write_alone(self, work: Callable[[Connection], T]) -> T:
        """As `write`, while no lease is held, and with long timeouts. Raises StateLockedError."""
        where = self.where
        if isinstance(where, SqliteFile):
            return self.write(work)
        from reconciler.state.postgres import ensure_nobody_leads  # noqa: PLC0415 - brings the dialects

        def guarded(connection: Connection) -> T:
            ensure_nobody_leads(connection, where)
            with self.long_transaction(connection):
                return work(connection)

        return self.write(guarded)

    def _repeated(
        self, writer: Callable[[], AbstractContextManager[Connection]], work: Callable[[Connection], T]
    ) -> T:
        for _ in range(1, _ATTEMPTS):
            try:
                with writer() as connection:
                    return work(connection)
            except DBAPIError as error:
                if not is_passing(error):
                    raise
        with writer() as connection:
            return work(connection)

    def shrink(self) -> None:
        """Gives the room of what was removed back to the disk; a server does so by itself."""
        if self.is_shared:
            return
        with self._one_at_a_time, explained(self.where):
            self._ensure_ours()
            with self._engine.connect() as connection:
                driver: Any = connection.connection.driver_connection
                driver.execute("VACUUM")

    def on_close(self, call: Callable[[], None]) -> None:
        """Registers a call that `close` makes, before it closes the database."""
        self._closing.callback(call)

    def close(self) -> None:
        """Waits for a write in flight, then releases connections and, last, the lock; safe to call twice."""
        with self._one_at_a_time, explained(self.where):
            self._closed = True
            self._closing.close()

    def _ensure_open(self) -> None:
        if self._closed:
            raise StateError(f"state {self.where} is closed already.")
