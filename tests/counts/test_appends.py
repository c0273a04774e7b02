"""Journalling costs a few statements and one commit, however many imports wait for it together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine

from reconciler.state import open_state
from tests.state.conftest import new_postgres_url, postgres_socket, sqlite_url, url
from tests.state.samples import imported, requested

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["new_postgres_url", "postgres_socket", "sqlite_url", "url"]


@pytest.fixture
def sent() -> Iterator[Counter[str]]:
    """How many statements of each kind went to a database, and how many commits."""
    counts = Counter[str]()

    def statement(_: Any, __: Any, words: str, *___: Any) -> None:
        counts[words.split(maxsplit=1)[0]] += 1

    def commit(_: Any) -> None:
        counts["COMMIT"] += 1

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    yield counts
    event.remove(Engine, "before_cursor_execute", statement)
    event.remove(Engine, "commit", commit)


def test_imports_in_flight_together_share_their_statements(url: str, sent: Counter[str]) -> None:
    """One look at the entries, one insertion into the journal, one change of the ledger: for 1 as for 32."""
    with open_state(url, writer=True) as ledger:
        for number in (1, 32):
            names = [f"model-{number}-{one}" for one in range(number)]
            for make, change in ((requested, "INSERT"), (imported, "UPDATE")):
                sent.clear()
                ledger.append([make(name) for name in names])
                del sent["BEGIN"]
                assert sent == Counter({"SELECT": 1, "INSERT": 1, "COMMIT": 1}) + Counter({change: 1})


def test_entries_are_found_by_the_primary_key(sqlite_url: str) -> None:
    """A query for many entries looks each of them up, and reads through no table."""
    with open_state(sqlite_url, writer=True):
        pass
    one = "(target = ? AND model_name = ? AND model_version = ?)"
    query = f"EXPLAIN QUERY PLAN SELECT * FROM ledger WHERE {' OR '.join([one] * 64)}"  # noqa: S608
    with create_engine(sqlite_url).connect() as connection:
        plan = [str(row) for row in connection.exec_driver_sql(query, tuple("x" * 192))]
        assert connection.execute(text("SELECT count(*) FROM ledger")).scalar() == 0
    assert sum("SEARCH ledger USING INDEX sqlite_autoindex_ledger_1" in line for line in plan) == 64
    assert "SCAN" not in str(plan)
