"""Verdicts in pieces, on SQLite and on PostgreSQL."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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


def _stored(ledger: SqlLedger) -> set[str]:
    last = ledger.last_report()
    return {f"{item.title} {item.verdict}" for item in (last.items if last else ())}


def test_rows_that_are_new_make_a_table_what_a_whole_reading_would(url: str) -> None:
    """Whatever is removed and added, numbers that are used again included; each step against all rows."""
    with open_state(url, writer=True) as ledger:
        table = VerdictTable(frozenset({"prod"}))
        assert _refresh(table, ledger) == set()
        for names in ("abcde", "abcdx", "abc", "abcdx", "x", "", "xyz", "axyz"):
            saved_report = report(*names)
            for verdict in (Verdict.IN_SYNC, Verdict.FAILED):
                items = tuple(item._replace(verdict=verdict) for item in saved_report.items)
                ledger.save_report(replace(saved_report, items=items), {"prod": None}, {})
            assert _refresh(table, ledger) == _stored(ledger)


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
        saved_report = report("a", "b")
        ledger.save_report(saved_report, {"prod": None}, {})
        summary = ledger.summary()
        assert isinstance(summary, Report)
        assert summary.items == ()
        assert summary.commit == saved_report.commit
        assert summary.counted() == saved_report.counted()


def test_a_model_whose_file_moved_is_told_of_with_what_did_not_change(url: str) -> None:
    """Whether its row is written otherwise or made anew: nothing else is lost, and readers hear of it."""
    with open_state(url, writer=True) as ledger:
        saved_report = report("a", "b")
        ledger.save_report(saved_report, {"prod": None}, {})
        assert ledger.verdicts.removed() == set()
        before = dict(ledger.verdicts.after(0, 9))
        moved_items = tuple(
            item._replace(path=f"elsewhere/{item.path}", line=7) for item in saved_report.items
        )
        ledger.save_report(replace(saved_report, items=moved_items), {"prod": None}, {})
        assert ledger.verdicts.removed() == before.keys()
        last = ledger.last_report()
        assert last is not None
        assert last.items == moved_items


def test_many_documents_of_one_model_are_looked_at_once_each(url: str) -> None:
    """A broken template that was copied declares one model as often, and is told of in every cycle."""
    sample, number, looked_at = report("a"), 60, 0

    def counted(frame: Any, event: str, _: object) -> None:
        nonlocal looked_at
        looked_at += event == "call" and frame.f_code.co_name == "values_of"

    with open_state(url, writer=True) as ledger:
        one = sample.items[0]._replace(verdict=Verdict.INVALID)
        for at in (1, 2):  # all but one stand as they did
            items = tuple(one._replace(path=f"{n}.yaml", line=at if n == 7 else 1) for n in range(number))
            sys.setprofile(counted)
            try:
                ledger.save_report(replace(sample, items=items), {"prod": None}, {})
            finally:
                sys.setprofile(None)
            last = ledger.last_report()
            assert last is not None
            assert sorted(last.items) == sorted(items)
    assert looked_at <= 2 * number + 2
