"""Opening a state by its URL, of either kind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.engine.clock import utc_now
from reconciler.state import sqlite
from reconciler.state.address import Address, PostgresDatabase, SqliteFile, parse
from reconciler.state.identity import record, unknown_targets
from reconciler.state.journal import only_releases
from reconciler.state.ledger import SqlLedger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.engine.episodes import Subscription
    from reconciler.state.database import Database


def open_state(  # noqa: PLR0913 - what is remembered, and how
    url: str,
    *,
    writer: bool,
    lineage: Mapping[str, str] | None = None,
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
        lineage: for each target, a text that tells its registry from others, such as endpoint, project and
            workspace; without secrets, since it is stored and shown. Recorded when a target is first met.
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
        _recognise(database, lineage or {}, writer=writer)
    except BaseException:
        database.close()
        raise
    leases = None
    if writer and isinstance(address, PostgresDatabase):
        from reconciler.state.leases import SqlLeases, holder_name  # noqa: PLC0415

        leases = SqlLeases(address, holder or holder_name(), term.total_seconds())
        database.on_close(leases.close)
    return SqlLedger(
        database,
        compact_after=compact_after,
        now=now,
        subscriptions=subscriptions,
        leases=leases,
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
        return SqlLedger(sqlite.open_for_release(address), allowed=only_releases)
    from reconciler.state import postgres  # noqa: PLC0415 - brings SQLAlchemy's dialects of it

    return SqlLedger(postgres.open_for_release(address), allowed=only_releases)


def open_database(address: Address, *, writer: bool, now: datetime | None = None) -> Database:
    """Opens the database behind a ledger; see `open_state`."""
    moment = now or utc_now()
    if isinstance(address, SqliteFile):
        return sqlite.open_writer(address, moment) if writer else sqlite.open_reader(address, moment)
    from reconciler.state import postgres  # noqa: PLC0415

    if writer:
        return postgres.open_writer(address, moment)
    return postgres.open_reader(address, moment)


def _recognise(database: Database, lineage: Mapping[str, str], *, writer: bool) -> None:
    with database.reading() as connection:
        newcomers = unknown_targets(connection, lineage, database.where)
    if newcomers and writer:
        # looked up anew: another replica may be recording the same
        database.write(
            lambda connection: record(connection, unknown_targets(connection, lineage, database.where))
        )
