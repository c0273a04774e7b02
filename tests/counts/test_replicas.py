"""Replicas with nothing to do cost their server one transaction a round, of one small query or a renewal."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from reconciler.daemon.campaign import Campaign
from reconciler.state import open_state
from tests.state.conftest import new_postgres_url, postgres_socket
from tests.state.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.state.conftest import NewUrl

__all__ = ["new_postgres_url", "postgres_socket"]

_ROUNDS = 3
_QUERY = Counter(BEGIN=1, SELECT=1, COMMIT=1)
_RENEWAL = _QUERY + Counter(WITH=1)


@contextmanager
def counted(thread: Callable[[threading.Thread], bool]) -> Iterator[Counter[str]]:
    """How many statements of each kind went to the server meanwhile, from the threads that count."""
    counts = Counter[str]()

    def statement(_: Any, __: Any, words: str, *___: Any) -> None:
        counts[words.split(maxsplit=1)[0]] += thread(threading.current_thread())

    def commit(_: Any) -> None:
        counts["COMMIT"] += thread(threading.current_thread())

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    try:
        yield counts
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)


def _is_campaign(thread: threading.Thread) -> bool:
    return thread.name == "campaign"


@pytest.fixture
def url(new_postgres_url: NewUrl) -> str:
    """A new state that another process leads."""
    state_url = new_postgres_url()
    open_state(state_url, writer=True).close()
    return state_url


def _replica(url: str, stack: ExitStack, renew: float = 1000.0) -> Campaign:
    ledger = stack.enter_context(open_state(url, writer=True, term=timedelta(hours=1)))
    assert ledger.leases is not None
    return stack.enter_context(closing(Campaign(ledger.leases, ("", "prod"), renew)))


def _rounds(campaign: Campaign) -> Counter[str]:
    """The statements of some rounds of its thread, each of them whole."""
    done, ended = threading.Semaphore(0), threading.Event()

    def on_snapshot(_: object) -> None:
        done.release()
        if counts["COMMIT"] >= _ROUNDS:
            ended.set()

    with counted(_is_campaign) as counts:
        campaign.on_snapshot = on_snapshot
        campaign.start()
        assert ended.wait(60)
        campaign.close()
        return +counts


def _times(number: int, one: Counter[str]) -> Counter[str]:
    return Counter({kind: count * number for kind, count in one.items()})


def test_a_standby_asks_one_small_query_a_second(url: str) -> None:
    """One transaction, with nothing in it but the query; its thread looks each second."""
    with ExitStack() as stack:
        _replica(url, stack).start()
        counts = _rounds(_replica(url, stack))
        assert counts == _times(counts["COMMIT"], _QUERY)


def test_a_leader_renews_in_one_transaction_that_also_tells_how_things_stand(url: str) -> None:
    """One statement for all its leases and its own presence, whatever their number."""
    with ExitStack() as stack:
        counts = _rounds(_replica(url, stack, renew=0.01))
        assert counts == _times(counts["COMMIT"], _RENEWAL)


def test_a_leaders_tick_with_nothing_to_do_costs_no_more_than_a_renewal(url: str) -> None:
    """One transaction: the journal's position, and what others ask for."""
    mine = threading.current_thread()
    with open_state(url, writer=True) as ledger, counted(lambda thread: thread is mine) as counts:
        assert ledger.poll(NOON) == (0, [])
    assert +counts == Counter(BEGIN=1, SELECT=2, COMMIT=1)
    assert counts.total() == _RENEWAL.total()
