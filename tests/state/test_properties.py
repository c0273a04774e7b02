"""What holds for any events and any report, drawn by hypothesis."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.engine.trust import is_held_commit
from reconciler.engine.values import Verdict
from reconciler.state import check, export, rebuild
from reconciler.state.rows import moment_of, stamp
from tests.effort import examples
from tests.state.conftest import directly
from tests.state.leading import open_state
from tests.state.remembering import remember
from tests.state.samples import folded
from tests.state.strategies import events, reports

if TYPE_CHECKING:
    from reconciler.engine.values import Event, ModelState, Report
    from tests.state.conftest import NewUrl

a_few = settings(
    max_examples=examples(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
groups = st.lists(st.lists(events, max_size=6), max_size=4)


@directly
@a_few
@given(groups=groups)
def test_for_any_events_the_ledger_is_the_fold_of_the_journal(
    new_url: NewUrl, groups: list[list[Event]]
) -> None:
    """However they are grouped, with any characters; what comes back is what went in; nothing to rebuild."""
    url = new_url()
    with open_state(url, writer=True) as ledger:
        for group in groups:
            ledger.append(group)
    written = [event for group in groups for event in group]
    expected = folded(written)

    with open_state(url, writer=False) as ledger:
        assert ledger.events() == written
        for target in ("prod", "dev"):
            mine = {pair: entry for (of, pair), entry in expected.items() if of == target}
            assert ledger.entries(target) == mine
    assert len(list(export(url))) == len(written)
    assert check(url) == ()
    assert rebuild(url) == 0
    assert check(url) == ()


@directly
@a_few
@given(report=reports)
def test_any_report_survives(new_url: NewUrl, report: Report) -> None:
    """Equal after the trip but for the order of items, types and all; and saved again it writes nothing."""
    with open_state(new_url(), writer=True) as ledger:
        remember(ledger, report)
        again = ledger.last_report()
        assert again is not None
        assert replace(again, items=()) == replace(report, items=())
        assert Counter(again.items) == Counter(report.items)
        assert all(isinstance(item.verdict, Verdict) for item in again.items)
        before = ledger.writes
        remember(ledger, again)
        assert ledger.writes == before


@directly
@a_few
@given(first=reports, second=reports)
def test_what_is_saved_of_some_pairs_leaves_the_rest_as_it_was(
    new_url: NewUrl, first: Report, second: Report
) -> None:
    """What is invalid, and a commit that is held, is spoken of in any case."""

    def is_always_spoken_of(item: ModelState) -> bool:
        return item.verdict is Verdict.INVALID or is_held_commit(item)

    targets = {item.target for item in (*first.items, *second.items)}
    pairs = {t: {i.pair for i in second.items if i.target == t and i.pair} for t in targets}
    with open_state(new_url(), writer=True) as ledger:
        ledger.save_report(first, dict.fromkeys(targets), {})
        named = [item for item in second.items if item.pair or is_always_spoken_of(item)]
        ledger.save_report(replace(second, items=tuple(named)), pairs, {})
        kept = [
            item
            for item in first.items
            if not is_always_spoken_of(item) and item.pair not in pairs[item.target]
        ]
        again = ledger.last_report()
        assert again is not None
        assert Counter(again.items) == Counter([*kept, *named])
        assert ledger.counted() == Counter((item.target, item.verdict) for item in again.items)


@given(event=events, other=events)
def test_any_time_survives_as_text_and_sorts_as_time_does(event: Event, other: Event) -> None:
    """To the microsecond, in UTC."""
    assert moment_of(stamp(event.at)) == event.at
    assert (stamp(event.at) < stamp(other.at)) == (event.at < other.at)
