from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.contract.model_key import ModelKey
from reconciler.engine.listing import ListingQuery
from reconciler.views import as_json, history, html, markdown, problems, text
from reconciler.views.metrics import Metrics
from reconciler.views.pages import ModelFacts, OverviewFacts, PageState, Selection, TickSummary
from tests.effort import examples
from tests.views.samples import DECLARED, EVENTS, HOSTILE, NOON, REASONS, REPORTS, hidden, listing_of, printed

if TYPE_CHECKING:
    from reconciler.engine.values import Event, Report
    from reconciler.manifest.values import Reason


@settings(max_examples=examples(60))
@given(REPORTS, HOSTILE)
def test_no_view_of_any_report_contains_anything_that_acts_or_hides(report: Report, outside: str) -> None:
    """Terminal, JSON, Markdown, page and metrics; all can be encoded as UTF-8."""
    metrics = Metrics(outside)
    metrics.observe_report(report)
    imported = [(i.target, i.pair) for i in report.items if isinstance(i.pair, ModelKey)]
    tick = TickSummary(NOON, 1.0, "error", outside)
    state = PageState(NOON, outside, "running", report, tick, commit_url="https://x/{commit}" + outside)
    selection = Selection(q=outside, target=outside)
    pages = OverviewFacts(listing_of(report.items, ListingQuery()))
    model = ModelFacts(outside, outside, outside, report.items, ((outside, None),), outside, notes=(outside,))
    for view in (
        text.report(report, colour=False, verbose=True, mode="apply", imported=imported),
        printed(report),
        markdown.report(report),
        html.overview(state, selection, pages),
        html.model(state, model),
        metrics.render().decode(),
    ):
        assert not hidden(view)
        assert view.encode()


@given(st.lists(REASONS, max_size=4))
def test_no_list_of_problems_contains_anything_that_acts_or_hides(reasons: list[Reason]) -> None:
    """Messages, paths and excerpts come from files that anybody may have written."""
    assert not hidden(problems.render(reasons, colour=False))
    assert not hidden(as_json.dumps([problems.as_json(reason, severity=True) for reason in reasons]))


@settings(max_examples=examples(60))
@given(st.lists(DECLARED, max_size=3), st.lists(EVENTS, max_size=3))
def test_no_history_contains_anything_that_acts_or_hides(
    models: list[history.Declaration], events: list[Event]
) -> None:
    """Subjects, authors and details are anybody's words too."""
    rows = history.rows(models, events)
    assert not hidden("".join(history.text(rows)))
    assert not hidden("".join(as_json.list_pieces(history.json_texts(rows))))


def test_showing_problems_loads_nothing_slow() -> None:
    """`validate` in a pre-commit hook waits for no template engine, metrics or colour library."""
    program = (
        "import sys; from reconciler.views import as_json, html, problems, text; "
        "print(*{'jinja2', 'rich', 'prometheus_client', 'pydantic'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""
