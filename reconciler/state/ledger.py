"""The ledger port on a SQL database; journal, model states, reports and marks have a module each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from sqlalchemy import select

from reconciler.state import tables
from reconciler.state.address import SqliteFile
from reconciler.state.identity import facts_of
from reconciler.state.journal import SqlJournal, position
from reconciler.state.marks import SqlMarks
from reconciler.state.model_states import SqlModelStates
from reconciler.state.outbox import Outbox
from reconciler.state.reports import SqlReports
from reconciler.state.requests import Requests, pending
from reconciler.state.sqlite import side_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from types import TracebackType

    from reconciler.engine.values import CycleRequest


class SqlLedger(SqlJournal, SqlModelStates, SqlReports, SqlMarks):
    """`reconciler.engine.ports.Ledger` in SQLite or PostgreSQL; get one from `open_state`.

    Every method raises StateError when the database cannot be used. What a method that writes was given is on
    disk when it returns, and nothing of it when it raises. May be used from several threads.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def writes(self) -> int:
        """Transactions committed since the state was opened; a tick with nothing to do adds none."""
        return self._database.writes

    @property
    def requests(self) -> Requests:
        """What other processes ask of the one that holds the state."""
        return Requests(self._database)

    def poll(self, now: datetime) -> tuple[int, Sequence[CycleRequest]]:
        """The position and the requests that wait, as the port says.

        The writer's own question also finds out that its lock was lost: the loop asks it at every tick.
        """
        with self._database.leading() as connection:
            return position(connection), pending(connection, now)

    @property
    def outbox(self) -> Outbox:
        """Messages that are to be sent."""
        return Outbox(self._database)

    @property
    def exists(self) -> bool:
        """Whether there is a state; one that does not exist is read as an empty one."""
        return self._database.exists

    @property
    def lineage(self) -> str:
        """The id this state was given when it was made, in hex; copies of it share the id."""
        with self._database.reading() as connection:
            return facts_of(connection)["lineage"]

    def targets(self) -> Mapping[str, str]:
        """The targets that were ever met, each with the text that tells its registry from others."""
        columns = tables.target.c
        with self._database.reading() as connection:
            return dict(connection.execute(select(columns.name, columns.identity)).all())

    def watch_paths(self) -> tuple[Path, ...]:
        """Files of which one changes when any process journals; none for a server."""
        where = self._database.where
        return side_files(where) if isinstance(where, SqliteFile) else ()

    def close(self) -> None:
        """Releases the writer's lock and the database; safe to call twice."""
        self._database.close()
