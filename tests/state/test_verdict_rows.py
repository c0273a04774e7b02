"""Verdicts in pieces, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.listing import ListingQuery, VerdictTable
from reconciler.engine.values import Report, Verdict
from tests.state.leading import open_state
from tests.state.samples import report

if TYPE_CHECKING:
    from reconciler.state import SqlLedger


def _refresh(table: VerdictTable, ledger: SqlLedger) -> set[str]:
    """Brings a table up to date, and gives what it holds."""
    gone = ledger.verdicts.removed()
    table.remove(gone)
    table.add(ledger.verdicts.numbered([number for number in gone if number <= table.newest]).items())
    while some := ledger.verdicts.after(table.newest, 2):
        table.add(some)
    numbers = table.select(ListingQuery(limit=99)).numbers
    return {f"{item.title} {item.verdict}" for item in ledger.verdicts.numbered(numbers).values()}


def _standing(ledger: SqlLedger) -> set[str]:
    last = ledger.last_report()
    return {f"{item.title} {item.verdict}" for item in (last.items if last else ())}


def test_rows_that_are_new_make_a_table_what_a_whole_reading_would(url: str) -> None:
    """Whatever is removed and added, numbers that are used again included; each step against all rows."""
    with open_state(url, writer=True) as ledger:
        table = VerdictTable(frozenset({"prod"}))
        assert _refresh(table, ledger) == set()
        for names in ("abcde", "abcdx", "abc", "abcdx", "x", "", "xyz", "axyz"):
            found = report(*names)
            for verdict in (Verdict.IN_SYNC, Verdict.FAILED):
                items = tuple(item._replace(verdict=verdict) for item in found.items)
                ledger.save_report(replace(found, items=items), {"prod": None}, {})
            assert _refresh(table, ledger) == _standing(ledger)


def test_nothing_is_kept_for_a_reader_that_is_not_there(url: str) -> None:
    """Only who has asked once hears of what is removed."""
    with open_state(url, writer=True) as ledger:
        ledger.save_report(report("a", "b"), {"prod": None}, {})
        ledger.save_report(report("a"), {"prod": None}, {})
        assert ledger.verdicts.removed() == set()
        ledger.save_report(report(), {"prod": None}, {})
        assert len(ledger.verdicts.removed()) == 1
        assert ledger.verdicts.removed() == set()


def test_a_report_in_numbers_reads_no_model(url: str) -> None:
    """Commit, digest, failures and notes, with how many models have each verdict; nothing before a cycle."""
    with open_state(url, writer=True) as ledger:
        assert ledger.summary() is None
        found = report("a", "b")
        ledger.save_report(found, {"prod": None}, {})
        summary = ledger.summary()
        assert isinstance(summary, Report)
        assert summary.items == ()
        assert summary.commit == found.commit
        assert summary.counted() == found.counted()


def test_a_model_whose_file_moved_is_told_of_with_what_did_not_change(url: str) -> None:
    """Whether its row is written otherwise or made anew: nothing else is lost, and readers hear of it."""
    with open_state(url, writer=True) as ledger:
        found = report("a", "b")
        ledger.save_report(found, {"prod": None}, {})
        assert ledger.verdicts.removed() == set()
        before = dict(ledger.verdicts.after(0, 9))
        moved = tuple(item._replace(path=f"elsewhere/{item.path}", line=7) for item in found.items)
        ledger.save_report(replace(found, items=moved), {"prod": None}, {})
        assert ledger.verdicts.removed() == before.keys()
        last = ledger.last_report()
        assert last is not None
        assert last.items == moved
