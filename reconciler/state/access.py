"""What every part of the ledger works with: the open database, and who may write what to it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from reconciler.engine.clock import utc_now
from reconciler.errors import StateError
from reconciler.state.rows import stamp
from reconciler.state.tables import journal, reconciled
from reconciler.state.verdicts import VerdictRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from reconciler.engine.episodes import Subscription
    from reconciler.engine.values import Event, LedgerEntry
    from reconciler.state.database import Database
    from reconciler.state.leases import SqlLeases
    from reconciler.state.rows import Key

    WriteGuard = Callable[[Mapping[Key, LedgerEntry], Sequence[Event]], None]
    """Raises StateError unless these events may be journalled on top of these entries."""


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
