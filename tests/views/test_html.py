from __future__ import annotations

import base64
import hashlib
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from reconciler.engine.values import Report, TargetFailure, Verdict
from reconciler.views import html
from reconciler.views.clean import clean
from reconciler.views.html import Filter, PageState, Phase, Tick
from tests.views.samples import COMMIT, DRIFTED, HOSTILE, NOON, REPORTS, item, report


class Page(HTMLParser):
    """What a browser makes of a page."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the tag and its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Notes the text."""
        self.words.append(data.strip())

    def values(self, tag: str, name: str) -> list[str]:
        """All values of one attribute of one kind of tag."""
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]

    @property
    def text(self) -> str:
        """All text, one space between two pieces."""
        return " ".join(word for word in self.words if word)


def state(
    found: Report | None = None, *, phase: Phase = "running", commit_url: str | None = None, **facts: object
) -> PageState:
    """A running daemon, twelve seconds after a good tick."""
    tick = facts.get("last_tick", Tick(NOON - timedelta(seconds=12), 0.412, "success"))
    assert tick is None or isinstance(tick, Tick)
    return PageState(
        NOON,
        "0.1.0",
        phase,
        found,
        tick,
        NOON - timedelta(hours=3),
        NOON + timedelta(seconds=18),
        commit_url,
    )


def test_the_page_tells_phase_ticks_commit_and_version() -> None:
    """The head of the page."""
    text = Page(html.page(state(report()))).text
    assert "Model reconciler running 0.1.0" in text
    assert f"Commit {COMMIT[:12]}" in text
    assert "Last tick success 12 s ago , took 0.41 s" in text
    assert "Last success 3 h ago" in text
    assert "Next tick 12:00:18 UTC" in text


def test_a_page_before_the_first_cycle_says_so() -> None:
    """No report is no error."""
    page = Page(html.page(PageState(NOON, "0.1.0", "starting")))
    assert "No cycle has finished yet." in page.text
    assert "table" not in page.tags


def test_a_model_is_shown_with_its_reasons_and_differences() -> None:
    """All that the report knows of a drifted model."""
    text = Page(html.page(state(report(DRIFTED)))).text
    for fact in (
        *("drifted", "resnet", "@0.9.0", "models.d/resnet.yaml:1", "Ada", "id-7", "published"),
        *(
            "registered with other content: declare version 0.9.1",
            "description: 'a' in git, 'b' in the registry",
        ),
    ):
        assert fact in text


def test_what_needs_somebody_stands_first() -> None:
    """A failure is not looked for below a thousand good models."""
    page = html.page(state(report(*(item(verdict, verdict.value) for verdict in Verdict))))
    order = re.findall(r'class="badge \w+" title="[^"]+">([\w-]+)<', page)
    assert order[:5] == ["refused", "invalid", "conflict", "failed", "drifted"]
    assert order[-1] == "in-sync"


def test_every_verdict_has_a_tile_that_leads_to_its_models() -> None:
    """Eleven tiles and one for all."""
    links = Page(html.page(state(report()))).values("a", "href")
    assert {f"?verdict={verdict}" for verdict in Verdict} <= set(links)


def test_the_page_can_be_filtered_by_verdict_and_by_name() -> None:
    """Both filters together, whatever the case."""
    found = report(*(item(v, n) for v in (Verdict.FAILED, Verdict.IN_SYNC) for n in ("mnist", "resnet")))
    page = Page(html.page(state(found), Filter("failed", "MNI")))
    assert "1 of 1 shown, 4 in all" in page.text
    assert page.text.count("mnist") - page.text.count("mnist.yaml") == 1
    assert "resnet" not in page.text
    assert "?name=MNI&verdict=failed" not in page.values("a", "href")
    assert page.values("input", "value") == ["MNI", "failed"]


def test_a_filter_that_matches_nothing_leads_back() -> None:
    """An empty page always says why it is empty."""
    text = Page(html.page(state(report(DRIFTED)), Filter(name="nothing"))).text
    assert "No model matches. Show all 1." in text


def test_a_word_that_is_no_verdict_filters_nothing() -> None:
    """An old link still shows something."""
    assert "resnet" in Page(html.page(state(report(DRIFTED)), Filter("gone"))).text


def test_a_large_report_is_cut_and_says_so() -> None:
    """A browser is not given a hundred thousand rows."""
    found = report(*(item(Verdict.IN_SYNC, f"m-{n}") for n in range(html.MAX_ROWS + 7)))
    page = html.page(state(found))
    assert page.count("<tbody>") == html.MAX_ROWS
    assert f"{html.MAX_ROWS} of {html.MAX_ROWS + 7} shown" in page


def test_failures_and_notes_stand_above_the_tiles() -> None:
    """What concerns everything is said first."""
    found = report(failures=(TargetFailure("prod", "target prod: no route"),), notes=("dirty tree",))
    tick = Tick(NOON, 1.0, "error", "git could not be read")
    text = Page(html.page(state(found, last_tick=tick))).text
    assert text.index("git could not be read") < text.index("target prod: no route")
    assert text.index("dirty tree") < text.index("all models")


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("https://git.example.org/c/{commit}", f"https://git.example.org/c/{COMMIT}"),
        ("javascript:alert('{commit}')", None),
        (None, None),
    ],
)
def test_commits_link_only_to_web_addresses(template: str | None, link: str | None) -> None:
    """A link template that is no http address is no link."""
    links = Page(html.page(state(report(DRIFTED), commit_url=template))).values("a", "href")
    assert (link in links) is (link is not None)
    assert not any(href.startswith("javascript") for href in links)


def test_refreshing_can_be_stopped() -> None:
    """A reader who wants to read is left alone; the selection stays."""
    assert 'http-equiv="refresh"' in html.page(state(report()))
    page = html.page(state(report()), Filter("failed", refresh=False))
    assert 'http-equiv="refresh"' not in page
    assert 'href="?verdict=failed"' in page


def test_the_page_loads_nothing_from_anywhere_and_has_no_script() -> None:
    """Self-contained: no script, no style sheet, no image but its own icon."""
    page = Page(html.page(state(report(DRIFTED))))
    assert not {"script", "img", "iframe"} & set(page.tags)
    assert all(link.startswith("data:") for link in page.values("link", "href"))


def test_the_policy_names_exactly_the_style_of_the_page() -> None:
    """A browser applies the style only if its digest is the one the header promises."""
    style = re.search(r"<style>(.*?)</style>", html.page(state()), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert html.style_source() == f"'sha256-{digest}'"


@settings(max_examples=60)
@given(REPORTS, HOSTILE)
def test_nothing_from_outside_is_markup(found: Report, wanted: str) -> None:
    """The same tags whatever the words are, and the words are all there."""
    page = Page(html.page(state(found), Filter(name=wanted)))
    assert not {"script", "img"} & set(page.tags)
    assert page.values("input", "value") == [clean(wanted)]
    assert page.tags.count("style") == page.tags.count("main") == 1
    shown = Page(html.page(state(found)))
    assert shown.tags.count("b") == 12 + len(found.items)
    assert [link for link in shown.values("a", "href") if not link.startswith("?")] == [
        "api/report",
        "metrics",
    ]
