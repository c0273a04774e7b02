"""Leases on a server: one leader a target, timed by the server, and a fence that each intent passes."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from reconciler.engine.leadership import SHARED
from reconciler.engine.values import EventKind, Phase, Report, TargetFailure, entry_version
from reconciler.errors import LeaseLost, StateError, StateLockedError
from reconciler.state import compact, migrate, open_state, rebuild
from tests.state.leading import let_leases_expire
from tests.state.samples import MNIST, NOON, imported, report, requested

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.values import Event
    from reconciler.state import SqlLedger
    from reconciler.state.leases import SqlLeases
    from tests.state.conftest import NewUrl

_LONG = timedelta(hours=1)
_PATIENCE = 40.0  # seconds; a transaction in which nothing is written may stand still for a minute


@pytest.fixture
def state(new_postgres_url: NewUrl) -> str:
    """The URL of a new state on a server."""
    url = new_postgres_url()
    open_state(url, writer=True).close()
    return url


def _replica(url: str, closing_: ExitStack, term: timedelta = _LONG) -> tuple[SqlLedger, SqlLeases]:
    ledger = closing_.enter_context(open_state(url, writer=True, term=term))
    assert ledger.leases is not None
    return ledger, ledger.leases


def _under(epoch: int | None, *events: Event) -> list[Event]:
    return [replace(event, epoch=epoch) for event in events]


def test_a_lease_is_taken_by_one_and_every_new_holder_has_a_greater_epoch(state: str) -> None:
    """Also the same holder again: what it did under the lease of before is over."""
    with ExitStack() as stack:
        (_, one), (_, other) = (_replica(state, stack) for _ in range(2))
        assert one.take(["prod", "dev"]) == {"prod": 1, "dev": 1}
        assert other.take(["prod", "dev"]) == {}
        assert one.take(["prod"]) == {"prod": 2}
        snapshot = one.renew({"prod": 1, "dev": 1}, campaigns=True)
        assert [snapshot.holds(one.holder, *lease) for lease in (("prod", 1), ("dev", 1))] == [False, True]
        one.give_back({"prod": 2})
        assert other.take(["prod", "dev"]) == {"prod": 3}
        snapshot = other.snapshot()
        assert {lease.target: (lease.holder, lease.epoch) for lease in snapshot.leases} == {
            "prod": (other.holder, 3),
            "dev": (one.holder, 1),
        }


def test_of_many_that_reach_for_a_lease_at_once_one_gets_it(state: str) -> None:
    """Whatever the order in which the server carries it out."""
    with ExitStack() as stack:
        replicas = [_replica(state, stack)[1] for _ in range(6)]
        for round_ in range(1, 6):
            taken: list[dict[str, int]] = []
            start = threading.Barrier(len(replicas))

            def reach(
                leases: SqlLeases, taken: list[dict[str, int]] = taken, start: threading.Barrier = start
            ) -> None:
                start.wait()
                taken.append(dict(leases.take(["prod"])))

            threads = [threading.Thread(target=reach, args=(leases,)) for leases in replicas]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [one for one in taken if one] == [{"prod": round_}]
            let_leases_expire(state)


def test_what_was_given_up_a_moment_ago_is_left_to_others(state: str) -> None:
    """A replica that leads its share already asks for what nobody else wanted."""
    with ExitStack() as stack:
        (_, one), (_, other) = (_replica(state, stack) for _ in range(2))
        epochs = one.take(["prod"])
        one.give_back(epochs)
        assert other.take(["prod"], free_for=3600.0) == {}
        assert other.take(["prod"]) == {"prod": 2}


def test_an_expired_lease_is_not_renewed(state: str) -> None:
    """Somebody may have counted on nobody leading: it is taken anew, by another epoch."""
    with ExitStack() as stack:
        _, leases = _replica(state, stack)
        epochs = leases.take(["prod"])
        let_leases_expire(state)
        assert leases.renew(epochs, campaigns=True).leader("prod") is None
        assert leases.take(["prod"]) == {"prod": 2}


@pytest.mark.parametrize("how", ["no epoch", "older epoch", "expired", "another holder", "never taken"])
def test_an_intent_is_journalled_only_under_a_lease_that_is_held(state: str, how: str) -> None:
    """Nothing of the transaction stays, and the error says who leads."""
    with ExitStack() as stack:
        (ledger, mine), (_, other) = (_replica(state, stack) for _ in range(2))
        epoch: int | None = None
        if how != "never taken":
            epoch = mine.take(["prod"])["prod"]
        if how == "older epoch":
            mine.take(["prod"])
        if how in ("expired", "another holder"):
            let_leases_expire(state)
        if how == "another holder":
            other.take(["prod"])
        with pytest.raises(LeaseLost, match="target prod is not led by this process any more") as lost:
            ledger.append(_under(None if how == "no epoch" else epoch or 1, requested()))
        assert ledger.events() == []
        assert (other.holder in str(lost.value)) == (how == "another holder")


def test_the_journal_tells_the_epoch_of_each_event(state: str) -> None:
    """Of the lease under which it was written."""
    with ExitStack() as stack:
        ledger, leases = _replica(state, stack)
        for number in (1, 2):
            epoch = leases.take(["prod"])["prod"]
            ledger.append(_under(epoch, requested(minute=number)))
        assert [event.epoch for event in ledger.events()] == [1, 2]


def test_nobody_takes_over_while_an_intent_is_being_written(state: str) -> None:
    """What changes a lease waits for the transaction that stands on it: the next leader finds it."""
    with ExitStack() as stack:
        (ledger, mine), (_, other) = (_replica(state, stack) for _ in range(2))
        epoch = mine.take(["prod"])["prod"]
        change = threading.Thread(target=let_leases_expire, args=(state,))
        with ledger._database.reading() as connection:
            mine.fence(connection, "prod", epoch)
            change.start()
            with other._engine.connect() as watching:
                while not watching.exec_driver_sql(_WAITING).scalar():
                    watching.rollback()
            assert change.is_alive()
        change.join()
        assert other.take(["prod"]) == {"prod": 2}


_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE lease%%'"
)


def test_a_leader_that_stands_still_while_it_renews_keeps_nobody_from_taking_over(state: str) -> None:
    """It holds the row and says nothing: the server ends its transaction as soon as a renewal is given up."""
    with ExitStack() as stack:
        (_, mine), (_, other) = (_replica(state, stack, timedelta(seconds=1)) for _ in range(2))
        mine.take(["prod"])
        with pytest.raises(StateError), mine._transaction(writes=True) as connection:  # noqa: PT012
            connection.execute(text("UPDATE lease SET expires_at = clock_timestamp() WHERE target = 'prod'"))
            ends = time.monotonic() + _PATIENCE
            taken: Mapping[str, int] = {}
            while not taken:
                assert time.monotonic() < ends, "nobody could take over"
                with suppress(StateError):  # given up, and tried again
                    taken = other.take(["prod"])
        assert taken == {"prod": 2}


def test_a_replica_of_an_earlier_version_takes_nothing_of_a_state_that_was_migrated_meanwhile(
    state: str,
) -> None:
    """It stood by while nobody led, and the state was brought up to date."""
    with ExitStack() as stack:
        _, mine = _replica(state, stack)
        with mine._transaction(writes=True) as connection:
            connection.execute(text("UPDATE meta SET value = '99' WHERE key = 'schema_version'"))
        with pytest.raises(StateError, match=r"newer version of this program \(schema 99"):
            mine.take(["prod"])
        assert mine.snapshot().leader("prod") is None


def test_an_answer_is_journalled_by_whoever_sent_the_call_though_another_leads(state: str) -> None:
    """It answers the intent that still stands; once that was settled otherwise, it is left out."""
    with ExitStack() as stack:
        (ledger, mine), (later, other) = (_replica(state, stack) for _ in range(2))
        ledger.append(_under(mine.take(["prod"])["prod"], requested()))
        expected = entry_version(ledger.entry("prod", MNIST))
        let_leases_expire(state)
        second = other.take(["prod"])["prod"]
        answer = replace(imported(), expected=expected, epoch=1)
        assert len(ledger.append([answer])) == 1
        assert len(ledger.append([replace(answer, kind=EventKind.POSTPONED)])) == 0
        entry = later.entry("prod", MNIST)
        assert entry is not None
        assert entry.phase is Phase.REGISTERED
        with pytest.raises(LeaseLost):
            ledger.append(_under(1, replace(imported(), kind=EventKind.POSTPONED)))
        later.append(_under(second, requested("other")))


def test_the_report_of_a_target_that_another_leads_by_now_is_left_out(state: str) -> None:
    """Its verdicts, marks and failure stay as whoever leads has left them; the others are remembered."""
    with ExitStack() as stack:
        (ledger, mine), (later, other) = (_replica(state, stack) for _ in range(2))
        old = mine.take(["prod"])["prod"]
        let_leases_expire(state)
        new = other.take(["prod"])["prod"]
        later.save_report(report("a"), {"prod": None}, {("prod", "m"): "new"}, {"prod": new})
        ledger.save_report(report("b", "c"), {"prod": None}, {("prod", "m"): "old"}, {"prod": old})
        last = later.last_report()
        assert last is not None
        assert [item.model_name for item in last.items if item.model_name] == ["a"]
        assert later.marks("prod") == {"m": "new"}


def test_a_failure_of_a_target_that_somebody_else_leads_stays(state: str) -> None:
    """Each replica reports on its own targets; the report of all is theirs together."""
    with ExitStack() as stack:
        ledger, leases = _replica(state, stack)
        epochs = leases.take(["prod", "dev"])
        away = Report("c" * 40, "d" * 64, (), (TargetFailure("dev", "target dev: away"),))
        ledger.save_report(away, {}, {}, {"dev": epochs["dev"]})
        well = replace(report("a"), failures=())
        ledger.save_report(well, {"prod": None}, {}, {"prod": epochs["prod"]})
        last = ledger.last_report()
        assert last is not None
        assert [failure.target for failure in last.failures] == ["dev"]
        ledger.save_report(well, {"prod": None, "dev": None}, {}, epochs)
        last = ledger.last_report()
        assert last is not None
        assert last.failures == ()


def test_writers_that_meet_in_one_entry_are_told_nothing_of_it(state: str) -> None:
    """The server refuses one of two transactions that meet; it is repeated inside the room."""
    with ExitStack() as stack:
        replicas = [_replica(state, stack) for _ in range(3)]
        epochs = {name: leases.take([name])[name] for name, (_, leases) in zip("abc", replicas, strict=True)}
        problems: list[BaseException] = []

        def write(name: str, ledger: SqlLedger) -> None:
            try:
                for number in range(20):
                    ledger.mark("", "shared", f"{name} {number}")
                    ledger.append(_under(epochs[name], requested(target=name, minute=number)))
            except BaseException as problem:  # noqa: BLE001 - told below
                problems.append(problem)

        threads = [
            threading.Thread(target=write, args=(name, ledger))
            for name, (ledger, _) in zip("abc", replicas, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert problems == []
        assert {name: len(replicas[0][0].events(name)) for name in "abc"} == {"a": 20, "b": 20, "c": 20}


def test_care_for_the_memory_is_refused_while_somebody_leads(state: str) -> None:
    """By name; and possible once nobody does."""
    with ExitStack() as stack:
        _, leases = _replica(state, stack)
        epochs = leases.take(["prod"])
        for care in (rebuild, migrate, lambda url: compact(url, NOON)):
            with pytest.raises(
                StateLockedError, match=r"is being written by process \d+ on .* leads target prod"
            ):
                care(state)
        leases.give_back(epochs)
        sends = leases.take([SHARED])
        with pytest.raises(StateLockedError, match="leads the messages"):
            migrate(state)
        leases.give_back(sends)
        for care in (rebuild, migrate, lambda url: compact(url, NOON)):
            care(state)


def test_several_that_start_on_an_empty_database_make_one_state(new_postgres_url: NewUrl) -> None:
    """One makes the tables, and the others find them."""
    url = new_postgres_url()
    state_ids: list[str] = []

    def start() -> None:
        with closing(open_state(url, writer=True, target_identities={"prod": "somewhere"})) as ledger:
            assert ledger.leases is not None
            ledger.leases.take(["prod"])  # who comes later is not kept out by who leads by then
            state_ids.append(ledger.state_id)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(state_ids) == 4
    assert len(set(state_ids)) == 1
