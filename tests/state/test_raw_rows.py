"""Many rows at a time, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

from reconciler.contract.model_key import ModelKey
from tests.state.leading import open_state
from tests.state.samples import report, requested

_ODD = (
    "",
    "NULL",
    "null",
    " a ",
    '"',
    "\\",
    '\\"',
    "a,b",
    "{a}",
    "{}",
    "',\"",
    '","',
    "\\,",
    "a\nb",
    "\x00",
    "模型",
    "\udcff",
)
"""What means something in the text of an array, or has no place in a database."""


def test_texts_that_mean_something_in_an_array_come_back_as_they_were(url: str) -> None:
    """Each beside the others in one statement, absent values and numbers in between, added and replaced."""
    events = [
        replace(requested(f"model-{place}", minute=place), path=text, author=text, detail=text, line=line)
        for place, (text, line) in enumerate(zip((*_ODD, None), (None, *range(len(_ODD))), strict=True))
    ]
    again = [replace(event, code=event.path) for event in events]
    with open_state(url, writer=True) as ledger:
        ledger.append(events)
        ledger.append(again)  # other entries in the place of those
        assert ledger.events() == [*events, *again]
        entries = ledger.entries("prod", {event.pair for event in events})
        assert {pair: entry.code for pair, entry in entries.items()} == {one.pair: one.code for one in again}


def test_equal_verdicts_on_one_place_are_as_many_as_there_were(url: str) -> None:
    """A verdict that stands twice, and then once, is one row less; none is written for what stays."""
    once = report("a", "b")
    twice = replace(once, items=(*once.items, *once.items, once.items[0]))
    with open_state(url, writer=True) as ledger:
        for saved_report in (twice, once, twice):
            ledger.save_report(saved_report, {"prod": None}, {})
            last = ledger.last_report()
            assert last is not None
            assert sorted(last.items, key=str) == sorted(saved_report.items, key=str)
            writes = ledger.writes
            ledger.save_report(saved_report, {"prod": {ModelKey("a", "1.0.0"), ModelKey("b", "1.0.0")}}, {})
            assert ledger.writes == writes
