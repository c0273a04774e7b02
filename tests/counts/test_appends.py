"""Journalling costs a few statements and one commit, however many imports wait for it together."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy import text as sql
from sqlalchemy.engine import Engine

from reconciler.engine.guards import Guards
from reconciler.engine.options import CycleOptions
from reconciler.engine.values import EventKind
from reconciler.state import SqlLedger
from tests.engine.worlds import World, text
from tests.state.conftest import (
    new_pooled_url,
    new_postgres_url,
    pgbouncer_socket,
    postgres_socket,
    sqlite_url,
    url,
)
from tests.state.leading import open_state
from tests.state.samples import imported, requested

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["new_pooled_url", "new_postgres_url", "pgbouncer_socket", "postgres_socket", "sqlite_url", "url"]

_SELDOM = 30.0  # seconds; a renewal that comes in between has the transaction done again
FENCE = Counter({"SELECT": 1})
"""What a server is asked besides: whose lease the transaction stands on."""


@pytest.fixture
def sent() -> Iterator[Counter[str]]:
    """How many statements of each kind went to a database, and how many commits; renewals aside."""
    counts, mine = Counter[str](), threading.get_ident()

    def statement(_: Any, __: Any, words: str, *___: Any) -> None:
        counts[words.split(maxsplit=1)[0]] += threading.get_ident() == mine

    def commit(_: Any) -> None:
        counts["COMMIT"] += threading.get_ident() == mine

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    yield counts
    event.remove(Engine, "before_cursor_execute", statement)
    event.remove(Engine, "commit", commit)


def test_imports_in_flight_together_share_their_statements(url: str, sent: Counter[str]) -> None:
    """One look at the entries, one insertion into the journal, one change of the ledger: for 1 as for 32."""
    with open_state(url, writer=True, renew=_SELDOM) as ledger:
        for number in (1, 32):
            names = [f"model-{number}-{one}" for one in range(number)]
            for make, change in ((requested, "INSERT"), (imported, "UPDATE")):
                sent.clear()
                ledger.append([make(name) for name in names])
                del sent["BEGIN"]
                besides = Counter() if url.startswith("sqlite") else FENCE
                assert (
                    +sent == Counter({"SELECT": 1, "INSERT": 1, "COMMIT": 1}) + Counter({change: 1}) + besides
                )


def test_the_result_of_one_import_shares_a_transaction_with_the_intent_of_the_next(tmp_path: Path) -> None:
    """320 imports, 32 in flight and answered together: 11 transactions, and one for the report.

    So 34 for each thousand, whatever the state is; with two for each import there were 2,000.
    """
    world = World(tmp_path, guards=Guards(1000), in_flight=32)
    world.source.commit({f"models.d/m{number}.yaml": text(f"m{number}") for number in range(320)})
    with world.process() as engine:
        assert isinstance(engine.ledger, SqlLedger)
        before = engine.ledger.writes
        asyncio.run(engine.cycle(CycleOptions(wait=False)))
        assert len(world.registry.calls) == 320
        assert engine.ledger.writes - before == 11 + 1


@pytest.mark.parametrize("later", [False, True])
def test_the_ledger_as_it_was_takes_as_many_statements_however_many_models_there_are(
    url: str, sent: Counter[str], *, later: bool
) -> None:
    """One for the rows, and two for what happened since; where something did, two to read of it."""
    with open_state(url, writer=True, renew=_SELDOM) as ledger:
        for number in (3, 300):
            names = [f"model-{number}-{one}" for one in range(number)]
            ledger.append([make(name) for make in (requested, imported) for name in names])
            at = (imported if not later else requested)(names[0]).at
            sent.clear()
            entries = ledger.entries_at("prod", None, at)
            assert {entries[imported(name).pair].last for name in names} == {
                EventKind.IMPORT_REQUESTED if later else EventKind.IMPORTED
            }
            assert sent["SELECT"] == (5 if later else 3)


def test_entries_are_found_by_the_primary_key(sqlite_url: str) -> None:
    """A query for many entries looks each of them up, and reads through no table."""
    with open_state(sqlite_url, writer=True):
        pass
    one = "(target = ? AND model_name = ? AND model_version = ?)"
    query = f"EXPLAIN QUERY PLAN SELECT * FROM ledger WHERE {' OR '.join([one] * 64)}"  # noqa: S608
    with create_engine(sqlite_url).connect() as connection:
        plan = [str(row) for row in connection.exec_driver_sql(query, tuple("x" * 192))]
        assert connection.execute(sql("SELECT count(*) FROM ledger")).scalar() == 0
    assert sum("SEARCH ledger USING INDEX sqlite_autoindex_ledger_1" in line for line in plan) == 64
    assert "SCAN" not in str(plan)
