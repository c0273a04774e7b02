"""What holds for any events and any report, drawn by hypothesis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.state import check, export, open_state, rebuild
from reconciler.state.report import dump, load
from reconciler.state.rows import moment_of, stamp
from tests.state.samples import folded
from tests.state.strategies import events, reports

if TYPE_CHECKING:
    from reconciler.engine.values import Event, Report
    from tests.state.conftest import NewUrl

a_few = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # fmt: skip
groups = st.lists(st.lists(events, max_size=6), max_size=4)


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


@given(report=reports)
def test_any_report_survives_as_json(report: Report) -> None:
    """Equal after the trip, types and all, and written the same way again."""
    again = load(dump(report))

    assert again == report
    assert [type(item.verdict) for item in again.items] == [type(item.verdict) for item in report.items]
    assert dump(again) == dump(report)
    assert dump(report).isascii()


@given(event=events, other=events)
def test_any_time_survives_as_text_and_sorts_as_time_does(event: Event, other: Event) -> None:
    """To the microsecond, in UTC."""
    assert moment_of(stamp(event.at)) == event.at
    assert (stamp(event.at) < stamp(other.at)) == (event.at < other.at)
