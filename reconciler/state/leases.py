"""Leases in PostgreSQL: one row a target, timed by the server; and the fence that each intent passes.

Each statement is a transaction of its own, so that it sees what others have just committed. What changes a
lease waits for the transactions that stand on it: while an intent is being written, no process takes over.
"""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from reconciler.engine.leadership import LONGEST, Lease, LeaseSnapshot
from reconciler.errors import LeaseLost, StateError
from reconciler.state.errors import explained
from reconciler.state.identity import verify
from reconciler.state.postgres import connected
from reconciler.state.rows import plain, stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sqlalchemy.engine import Connection

    from reconciler.state.address import PostgresDatabase

_SNAPSHOT = text("""
    SELECT clock_timestamp(), target, holder, epoch, since, expires_at,
        (SELECT count(*) FROM replica WHERE expires_at > clock_timestamp()),
        concat_ws(' ', (SELECT max(seq) FROM journal), (SELECT max(id) FROM verdicts),
            (SELECT md5(body) FROM report ORDER BY id DESC LIMIT 1),
            (SELECT string_agg(name, ' ' ORDER BY name) FROM mark
             WHERE target = '' AND name LIKE 'request %'))
    FROM (SELECT 1) AS one LEFT JOIN lease ON true
""")
_KNOWN = text("""
    INSERT INTO lease (target, holder, epoch, since, expires_at)
    SELECT target, '', 0, clock_timestamp(), clock_timestamp()
    FROM unnest(CAST(:targets AS text[])) AS target ON CONFLICT DO NOTHING
""")
_TAKE = text("""
    UPDATE lease SET holder = :holder, epoch = epoch + 1, since = clock_timestamp(),
        expires_at = clock_timestamp() + make_interval(secs => :term)
    FROM (
        SELECT target FROM lease
        WHERE target = ANY(:targets)
        AND (expires_at <= clock_timestamp() - make_interval(secs => :free_for) OR holder = :holder
            OR expires_at > clock_timestamp() + make_interval(secs => :longest))
        ORDER BY target COLLATE "C" FOR NO KEY UPDATE
    ) AS free
    WHERE lease.target = free.target
    RETURNING lease.target, epoch
""")
_MINE = """
    FROM (
        SELECT target FROM lease
        WHERE holder = :holder AND expires_at > clock_timestamp()
        AND (target, epoch) IN (SELECT * FROM unnest(CAST(:targets AS text[]), CAST(:epochs AS bigint[])))
        ORDER BY target COLLATE "C" FOR NO KEY UPDATE
    ) AS mine
    WHERE lease.target = mine.target
"""
"""In one order, which is also that of the fence, so that no two wait for each other."""
_RENEW = text(f"""
    WITH present AS (
        INSERT INTO replica (holder, expires_at)
        SELECT :holder, clock_timestamp() + make_interval(secs => :term) WHERE :campaigns
        ON CONFLICT (holder) DO UPDATE SET expires_at = excluded.expires_at
    )
    UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => :term) {_MINE}
""")  # noqa: S608 - our own words
_GIVE_BACK = text(f"UPDATE lease SET holder = '', expires_at = clock_timestamp() {_MINE}")  # noqa: S608
_GONE = text(
    "DELETE FROM replica WHERE holder = :holder OR expires_at < clock_timestamp() - interval '1 hour'"
)
_FENCE = text("""
    SELECT set_config('idle_in_transaction_session_timeout', :idle, true) FROM lease
    WHERE target = :target AND epoch = :epoch AND holder = :holder AND expires_at > clock_timestamp()
    FOR SHARE
""")
_HOLDER = text("SELECT holder FROM lease WHERE target = :target")
_LEAST_TIMEOUT = 2.0  # seconds, at least, that an answer may take
_IDLE = (
    5.0  # seconds, at least, that a process may stand still in a transaction which holds up the next leader
)


def holder_name() -> str:
    """A name for this process that no other has: its number, its machine, and a random part."""
    return f"process {os.getpid()} on {socket.gethostname()} ({uuid.uuid4().hex[:8]})"


class SqlLeases:
    """The leases, in the database that holds the intents. May be used from several threads.

    Attributes:
        holder: names this process.
        term: seconds that a lease lasts.
    """

    def __init__(self, where: PostgresDatabase, holder: str, term: float) -> None:
        """Uses connections of its own, so that a renewal waits for no other transaction of this process."""
        self.holder = holder
        self.term = term
        # an answer that comes after half the term is of no use any more
        self._connections = connected(where, idle_timeout=max(term / 2, _LEAST_TIMEOUT))
        self._engine = self._connections.execution_options(isolation="READ COMMITTED")
        self._where = where
        self._closed = False

    def close(self) -> None:
        """Closes the connections; gives nothing back. None is opened from now on."""
        self._closed = True
        self._connections.dispose()

    def snapshot(self) -> LeaseSnapshot:
        """Who leads what now; one small query."""
        with self._transaction() as connection:
            return _snapshot(connection)

    def take(self, targets: Collection[str], free_for: float = 0.0) -> Mapping[str, int]:
        """Takes those that are free or led by this process, each by a new epoch; gives the epochs.

        A lease that ended less than `free_for` seconds ago is left alone. One that ends more than `LONGEST`
        terms from now is free, too.
        """
        facts = {"targets": list(stored(tuple(sorted(targets))))}
        with self._transaction(writes=True) as connection:
            connection.execute(_KNOWN, facts)
        with self._transaction(writes=True) as connection:
            mine = {"holder": self.holder, "term": self.term}
            longest = self.term * LONGEST
            taken = connection.execute(_TAKE, facts | mine | {"free_for": free_for, "longest": longest})
            epochs = {plain(row)[0]: row[1] for row in taken.all()}
            if epochs:  # a replica of an earlier version may have stood by while the state was migrated
                verify(connection, self._where)
            return epochs

    def renew(self, epochs: Mapping[str, int], *, campaigns: bool) -> LeaseSnapshot:
        """Makes the leases of these epochs last another term, where they are held; gives who leads what.

        With `campaigns`, this process counts for another term as one that takes what is free.
        """
        with self._transaction(writes=True) as connection:
            connection.execute(_RENEW, self._these(epochs) | {"term": self.term, "campaigns": campaigns})
            return _snapshot(connection)

    def give_back(self, epochs: Mapping[str, int], *, campaigns: bool = False) -> None:
        """Ends these leases now, so that others may take them; stops to campaign unless `campaigns`."""
        with self._transaction(writes=True) as connection:
            connection.execute(_GIVE_BACK, self._these(epochs))
            if not campaigns:
                connection.execute(_GONE, {"holder": self.holder})

    def fence(self, connection: Connection, target: str, epoch: int | None) -> None:
        """Makes sure that this lease is held until the transaction ends; several are fenced in their order.

        Raises:
            LeaseLost: it is not.
        """
        idle = f"{max(self.term, _IDLE) * 1000:.0f}"
        facts = {"target": stored((target,))[0], "epoch": epoch, "holder": self.holder, "idle": idle}
        if epoch is None or connection.execute(_FENCE, facts).first() is None:
            leader = connection.scalar(_HOLDER, {"target": facts["target"]})
            nobody = leader in (None, "", self.holder)
            now = "nobody renewed it in time" if nobody else f"{leader} leads it now"
            raise LeaseLost(
                target,
                f"target {target} is not led by this process any more: {now}. Nothing was sent; whoever "
                "leads it goes on",
            )

    def _these(self, epochs: Mapping[str, int]) -> dict[str, Any]:
        return {
            "holder": self.holder,
            "targets": list(stored(tuple(epochs))),
            "epochs": list(epochs.values()),
        }

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[Connection]:
        if self._closed:
            raise StateError(f"state {self._where} is closed already.")
        with (
            explained(self._where),
            self._engine.connect().execution_options(writes=writes) as connection,
            connection.begin(),
        ):
            yield connection


def _snapshot(connection: Connection) -> LeaseSnapshot:
    rows = connection.execute(_SNAPSHOT).all()
    now, *_, replicas, revision = rows[0]
    leases = [Lease(*plain(tuple(row[1:6]))) for row in rows if row[1] is not None]
    return LeaseSnapshot(now, leases, replicas, revision)
