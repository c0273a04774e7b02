"""The ledger port on a SQL database, and how one is opened by its URL.

Journal, model states and reports have a module each.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import ColumnElement, Delete, Update, delete, insert, select, update

from reconciler.engine.clock import utc_now
from reconciler.engine.values import CycleAnswer, CycleRequest
from reconciler.state import sqlite
from reconciler.state.address import Address, PostgresDatabase, SqliteFile, parse
from reconciler.state.errors import UnreadableState
from reconciler.state.identity import facts_of, record, unknown_targets
from reconciler.state.journal import SqlJournal, only_releases, position
from reconciler.state.model_states import SqlModelStates
from reconciler.state.outbox import Outbox
from reconciler.state.reports import SqlReports
from reconciler.state.rows import moment_of, stamp
from reconciler.state.sqlite import side_files
from reconciler.state.tables import mark, target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy.engine import Connection

    from reconciler.engine.episodes import Subscription
    from reconciler.state.database import Database


class SqlLedger(SqlJournal, SqlModelStates, SqlReports):
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
            return position(connection), _pending(connection, now)

    @property
    def outbox(self) -> Outbox:
        """Messages that are to be sent."""
        return Outbox(self._database)

    @property
    def exists(self) -> bool:
        """Whether there is a state; one that does not exist is read as an empty one."""
        return self._database.exists

    @property
    def state_id(self) -> str:
        """The id this state was given when it was made, in hex; copies of it share the id."""
        with self._database.reading() as connection:
            return facts_of(connection)["lineage"]

    def targets(self) -> Mapping[str, str]:
        """The targets that were ever met, each with the text that tells its registry from others."""
        columns = target.c
        with self._database.reading() as connection:
            return dict(connection.execute(select(columns.name, columns.identity)).all())

    def watch_paths(self) -> tuple[Path, ...]:
        """Files of which one changes when any process journals; none for a server."""
        where = self._database.where
        return side_files(where) if isinstance(where, SqliteFile) else ()

    def close(self) -> None:
        """Releases the writer's lock and the database; safe to call twice."""
        self._database.close()


# --- requests to the process that holds the state ------------------------------------------------------

_PREFIX = "request "
_KEPT = timedelta(days=1)
_ALL = select(mark.c.name, mark.c.value).where(
    mark.c.target == "", mark.c.name.startswith(_PREFIX, autoescape=True)
)


class Requests:
    """`reconciler.engine.ports.Requests`, and the side that asks: marks that belong to no target.

        asked ─▶ taken ─▶ answered        by the process that holds the state
          └────▶ withdrawn                by the one that asked, as long as it is not taken

    Each step is one statement that names the step before, so that a request is taken or withdrawn, never
    both. Raises StateError as the ledger does.
    """

    def __init__(self, database: Database) -> None:
        """Wraps an open database; closed with its ledger."""
        self._database = database

    def ask(self, request: CycleRequest) -> None:
        """Puts a request where the process that holds the state finds it; forgets those of long ago."""
        row = {"target": "", "name": _PREFIX + request.request_id, "value": _value(request, taken=False)}

        def put(connection: Connection) -> None:
            for name, value in connection.execute(_ALL).all():
                facts = _read(value)
                if facts is None or moment_of(facts["expires_at"]) < request.expires_at - _KEPT:
                    connection.execute(delete(mark).where(mark.c.target == "", mark.c.name == name))
            connection.execute(insert(mark).values(row))

        self._database.write(put)

    def withdraw(self, request: CycleRequest) -> bool:
        """Takes a request back; False when it is taken already."""
        return self._changed(delete(mark).where(*_this(request), _untaken(request))) == 1

    def answered(self, request: CycleRequest) -> CycleAnswer | None:
        """The answer, once there is one."""
        with self._database.reading() as connection:
            value = connection.scalar(select(mark.c.value).where(*_this(request)))
        facts = None if value is None else _read(value)
        return CycleAnswer(facts["exit_code"], facts["message"]) if facts and "exit_code" in facts else None

    def forget(self, request: CycleRequest) -> None:
        """Removes a request whose answer was read."""
        self._changed(delete(mark).where(*_this(request)))

    def take(self, request: CycleRequest) -> bool:
        """Takes a request on; False when it was withdrawn, or taken on by a process that has ended since."""
        untaken = update(mark).where(*_this(request), _untaken(request))
        return self._changed(untaken.values(value=_value(request, taken=True))) == 1

    def answer(self, request: CycleRequest, answer: CycleAnswer) -> None:
        """Stores the answer for the process that asked."""
        value = _value(request, taken=True, exit_code=answer.exit_code, message=answer.message)
        self._changed(update(mark).where(*_this(request)).values(value=value))

    def _changed(self, statement: Delete | Update) -> int:
        """Carries out one statement; how many rows it changed."""
        return self._database.write(lambda connection: int(connection.execute(statement).rowcount))


def _pending(connection: Connection, now: datetime) -> Sequence[CycleRequest]:
    """The requests without an answer, oldest first; not those that expired before they were taken.

    A row that is not a request is left out: it must not stop the loop, and the next `ask` removes it.
    """
    open_requests = []
    for name, value in connection.execute(_ALL).all():
        facts = _read(value)
        if facts is None:
            continue
        expires_at = moment_of(facts["expires_at"])
        request = CycleRequest(
            name.removeprefix(_PREFIX), facts["confirm"], expires_at, facts["actor"], facts["target"]
        )
        if "exit_code" not in facts and (facts["taken"] or now < request.expires_at):
            open_requests.append(request)
    return sorted(open_requests, key=lambda request: request.expires_at)


def _this(request: CycleRequest) -> tuple[ColumnElement[bool], ...]:
    return mark.c.target == "", mark.c.name == _PREFIX + request.request_id


def _untaken(request: CycleRequest) -> ColumnElement[bool]:
    return mark.c.value == _value(request, taken=False)


def _value(request: CycleRequest, **facts: Any) -> str:  # noqa: ANN401 - what JSON holds
    parts = {
        "confirm": request.confirm,
        "actor": request.actor,
        "target": request.target,
        "expires_at": stamp(request.expires_at),
    }
    return json.dumps(parts | facts, separators=(",", ":"))


def _read(value: str) -> dict[str, Any] | None:
    """What a row says; None where it is no request, such as one of another version of the program."""
    try:
        facts: dict[str, Any] = json.loads(value)
        moment_of(facts["expires_at"]), facts["confirm"], facts["actor"], facts["target"], facts["taken"]
    except (KeyError, TypeError, ValueError, UnreadableState):
        return None
    return facts


# --- opening one -----------------------------------------------------------------------------------------


def open_state(  # noqa: PLR0913 - what is remembered, and how
    url: str,
    *,
    writer: bool,
    target_identities: Mapping[str, str] | None = None,
    compact_after: timedelta = timedelta(0),
    now: Callable[[], datetime] = utc_now,
    subscriptions: Sequence[Subscription] = (),
    holder: str | None = None,
    term: timedelta = timedelta(seconds=8),
) -> SqlLedger:
    """Opens the memory of one configuration.

    Args:
        url: `sqlite:///path` or `postgresql+psycopg://…`. A relative path starts at the working directory.
        writer: whether to write, and to make what does not exist: a file is locked by that, and a server's
            database is not: see `SqlLedger.leases`. Without it nothing is made or locked, and a state that
            does not exist is an empty one.
        target_identities: for each target, a text that tells its registry from others, such as endpoint,
            project and workspace; without secrets, since it is stored and shown. Recorded when a target is
            first met.
        compact_after: how old an event has to be before it is archived; zero for never. See `SqlLedger`.
        now: the wall clock.
        subscriptions: what each sink wants to hear of the reports that are saved.
        holder: who takes leases where there are any; this process by a new name where None.
        term: how long a lease lasts unless it is renewed.

    Raises:
        StateLockedError: another process writes this file; the message says which.
        StateError: it cannot be used, or it remembers one of the targets as another registry.
    """
    address = parse(url)
    database = open_database(address, writer=writer, now=now())
    try:
        _recognise(database, target_identities or {}, writer=writer)
    except BaseException:
        database.close()
        raise
    leases = None
    if writer and isinstance(address, PostgresDatabase):
        from reconciler.state.leases import SqlLeases, holder_name  # noqa: PLC0415

        leases = SqlLeases(address, holder or holder_name(), term.total_seconds())
        database.on_close(leases.close)
    return SqlLedger(
        database, compact_after=compact_after, now=now, subscriptions=subscriptions, leases=leases
    )


def open_for_release(url: str) -> SqlLedger:
    """Opens a state to release models in it while another process is its writer.

    All this ledger can write is `released` and `deleted`, of pairs that have no import under way: each in one
    transaction, folded into what the writer has left there, so that it can never undo or hide what the writer
    does. The writer finds it by `position`.

    Args:
        url: as for `open_state`.

    Raises:
        StateError: it does not exist, or cannot be used.
    """
    address = parse(url)
    if isinstance(address, SqliteFile):
        return SqlLedger(sqlite.open_for_release(address), write_guard=only_releases)
    from reconciler.state import postgres  # noqa: PLC0415 - brings SQLAlchemy's dialects of it

    return SqlLedger(postgres.open_for_release(address), write_guard=only_releases)


def open_database(address: Address, *, writer: bool, now: datetime | None = None) -> Database:
    """Opens the database behind a ledger; see `open_state`."""
    moment = now or utc_now()
    if isinstance(address, SqliteFile):
        return sqlite.open_writer(address, moment) if writer else sqlite.open_reader(address, moment)
    from reconciler.state import postgres  # noqa: PLC0415

    if writer:
        return postgres.open_writer(address, moment)
    return postgres.open_reader(address, moment)


def _recognise(database: Database, identities: Mapping[str, str], *, writer: bool) -> None:
    with database.reading() as connection:
        new_targets = unknown_targets(connection, identities, database.where)
    if new_targets and writer:
        # looked up anew: another replica may be recording the same
        database.write(
            lambda connection: record(connection, unknown_targets(connection, identities, database.where))
        )
