"""A state opened to write as a leader does: under the leases of whatever its events are about."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.daemon.campaign import Campaign
from reconciler.errors import StateError
from reconciler.state import SqlLedger
from reconciler.state import open_state as open_without_leases
from reconciler.state.address import PostgresDatabase, parse
from reconciler.state.leases import SqlLeases, holder_name
from reconciler.state.ledger import open_database

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.values import Event

TERM, RENEW = timedelta(seconds=60), 0.2
_FIRST = "prod"


class LeadingLedger(SqlLedger):
    """Journals each event under the lease of its target, as the engine's recorder does."""

    campaign: Campaign
    _others: Mapping[str, int] = MappingProxyType({})

    def append(self, events: Sequence[Event]) -> Sequence[Event]:
        assert self.leases is not None
        others = {event.target for event in events} - {_FIRST}
        self._others = {**self._others, **(self.leases.take(others) if others else {})}
        epochs = {**self._others, _FIRST: self.campaign.epoch(_FIRST) or 0}
        return super().append([replace(event, epoch=epochs[event.target]) for event in events])

    def close(self) -> None:
        with suppress(StateError):
            assert self.leases is not None
            self.leases.give_back(self._others)
        self.campaign.close()
        super().close()


def open_state(url: str, *, writer: bool, renew: float = RENEW, **more: Any) -> SqlLedger:
    """As `reconciler.state.open_state`; on a server, a writer takes the lease of `prod` and keeps it.

    Args:
        url: of the state.
        writer: whether to write.
        renew: seconds between two renewals.
        more: of `reconciler.state.open_state`.

    Raises:
        StateLockedError: somebody else has it.
    """
    ledger = open_without_leases(url, writer=writer, **more)
    if ledger.leases is None:
        return ledger
    ledger.close()
    address = parse(url)
    assert isinstance(address, PostgresDatabase)
    database = open_database(address, writer=True)
    leases = SqlLeases(address, holder_name(), TERM.total_seconds())
    database.on_close(leases.close)
    more.pop("target_identities", None)
    leading = LeadingLedger(database, leases=leases, **more)
    leading.campaign = Campaign(leases, (_FIRST,), renew)
    try:
        leading.campaign.take_all((_FIRST,))
    except BaseException:
        database.close()
        raise
    return leading


def let_leases_expire(url: str) -> None:
    """As if their time had gone by; nothing to do where the kernel frees a lock."""
    if url.startswith("sqlite"):
        return
    import psycopg  # noqa: PLC0415 - an extra

    with closing(psycopg.connect(url.replace("+psycopg", ""), autocommit=True)) as connection:
        connection.execute("UPDATE lease SET expires_at = clock_timestamp()")
