"""One open database: transactions to read in, transactions to write in, and an orderly end.

Also what every part of the ledger does with it: who may write, under which commit, by which lease.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from reconciler.engine.clock import utc_now
from reconciler.errors import StateError
from reconciler.state.address import Address, SqliteFile
from reconciler.state.errors import explained, is_passing
from reconciler.state.rows import Key, stamp
from reconciler.state.tables import journal, reconciled
from reconciler.state.verdicts import VerdictRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection, Engine

    from reconciler.engine.episodes import Subscription
    from reconciler.engine.values import Event, LedgerEntry
    from reconciler.state.leases import SqlLeases

    WriteGuard = Callable[[Mapping[Key, LedgerEntry], Sequence[Event]], None]
    """Raises StateError unless these events may be journalled on top of these entries."""

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


class StateAccess:
    """The base class of the parts of a ledger: the open database, and what decides who may write.

    Attributes:
        verdicts: the verdicts in pieces, for a page.
        leases: who may write what; None where the writer's lock says it, or where nothing is written.
    """

    def __init__(  # noqa: PLR0913 - what is remembered, and how
        self,
        database: Database,
        *,
        write_guard: WriteGuard | None = None,
        compact_after: timedelta = timedelta(0),
        now: Callable[[], datetime] = utc_now,
        subscriptions: Sequence[Subscription] = (),
        leases: SqlLeases | None = None,
    ) -> None:
        """Wraps an open database, which is closed with the ledger; see `open_state`.

        `write_guard` says what may be journalled, and nothing else may be written; None for no such guard.
        """
        self._database = database
        self._write_guard = write_guard
        self._compact_after = compact_after
        self._now = now
        self._subscriptions = subscriptions
        self.verdicts = VerdictRows(database)
        self.leases = leases
        self._reconciling: tuple[str, datetime] | None = None

    def _note_commit(self, connection: Connection) -> None:
        """Notes the commit of this cycle before the first thing that it writes, in the same transaction.

        What is journalled from now on belongs to cycles of this commit; it is noted once.
        """
        if self._reconciling is not None:
            commit, at = self._reconciling
            newest = select(reconciled.c.commit).order_by(reconciled.c.seq.desc()).limit(1)
            if connection.scalar(newest) != commit:
                position = connection.scalar(select(func.max(journal.c.seq))) or 0
                row = {"at": stamp(at), "commit": commit, "position": position}
                connection.execute(insert(reconciled).values(row))

    def _fence(self, connection: Connection, epochs: Iterable[tuple[str, int | None]]) -> None:
        """Makes sure that these leases are held until the transaction ends. Raises LeaseLost."""
        if self.leases is not None:
            for target, epoch in sorted(epochs):  # in one order, so that no two writers wait for each other
                self.leases.fence(connection, target, epoch)

    def _ensure_unrestricted(self) -> None:
        if self._write_guard is not None:
            raise StateError(f"state {self._database.where} was opened to release models only.")
