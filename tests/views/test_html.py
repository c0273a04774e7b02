from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from reconciler.contract.model_key import ModelKey
from reconciler.engine.listing import Listing
from reconciler.engine.values import (
    CommitInfo,
    Difference,
    EventKind,
    FileChange,
    Report,
    TargetFailure,
    Verdict,
)
from reconciler.engine.vendor import FieldComparison, FieldState
from reconciler.manifest.values import Reason
from reconciler.printable import printable
from reconciler.views import html
from reconciler.views.history import Declaration, rows
from reconciler.views.pages import (
    ROWS,
    ManifestLine,
    ManifestText,
    ModelFacts,
    OverviewFacts,
    PageState,
    Registered,
    Selection,
    TargetFacts,
    TickSummary,
)
from tests.effort import examples
from tests.views.samples import (
    COMMIT,
    DIGEST,
    DRIFTED,
    HOSTILE,
    NOON,
    REPORTS,
    event,
    item,
    listing_of,
    report,
)


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


def state(report: Report | None = None, *, commit_url: str | None = None) -> PageState:
    """A running daemon, twelve seconds after a good tick."""
    tick = TickSummary(NOON - timedelta(seconds=12), 0.412, "success")
    return PageState(
        NOON,
        "0.1.0",
        "running",
        report,
        tick,
        NOON - timedelta(hours=3),
        NOON + timedelta(seconds=18),
        "https://git.example.org/models",
        "main",
        "build-7, process 12",
        (TargetFacts("local", "embedded registry", NOON - timedelta(minutes=7)),),
        commit_url,
    )


def source(
    report: Report,
    selection: Selection | None = None,
    *,
    commit_url: str | None = None,
    last_tick: TickSummary | None = None,
) -> str:
    """The overview of a report."""
    selection = selection or Selection()
    pages = OverviewFacts(listing_of(report.items, selection.listing), COMMITS)
    shown = state(report, commit_url=commit_url)
    return html.overview(replace(shown, last_tick=last_tick or shown.last_tick), selection, pages)


COMMITS = {COMMIT: CommitInfo(COMMIT, "Grace <grace@example.org>", NOON - timedelta(hours=5), "Add resnet")}


def test_the_head_tells_what_is_followed_who_reconciles_and_how_it_goes() -> None:
    """Repository, branch, commit with author and age, targets, leader, ticks."""
    text = Page(source(report())).text
    assert "Repository https://git.example.org/models Branch main" in text
    assert f"Commit {COMMIT[:12]} Grace, 5 h ago" in text
    assert "Target local embedded registry" in text
    assert "Leader build-7, process 12" in text
    assert "Last tick success 12 s ago, took 0.41 s Last success 3 h ago Next tick in 18 s" in text


@pytest.mark.parametrize(
    ("verdicts", "sentence", "tone"),
    [
        ([Verdict.IN_SYNC] * 6, "all 6 models in sync", "good"),
        ([Verdict.IN_SYNC], "1 model in sync", "good"),
        ([Verdict.IN_SYNC] * 2 + [Verdict.UNMANAGED], "all 2 models in sync, 1 unmanaged", "good"),
        ([Verdict.FAILED, *[Verdict.REFUSED] * 7, Verdict.IN_SYNC], "8 need you", "bad"),
        ([Verdict.DRIFTED, Verdict.IMPORT], "1 needs you", "bad"),
        ([Verdict.PUBLISHING, Verdict.IN_SYNC], "1 model moving, 1 in sync", "busy"),
        ([], "nothing is declared", "good"),
    ],
)
def test_one_sentence_says_what_it_all_comes_to(verdicts: list[Verdict], sentence: str, tone: str) -> None:
    """Colour and title of the tab follow the models, and not the tick."""
    failed = TickSummary(NOON, 1.0, "error", "no route")
    page = source(report(*(item(v, f"m-{n}") for n, v in enumerate(verdicts))), last_tick=failed)
    assert f"<title>{sentence} · model reconciler</title>" in page
    assert f'<header id="head" class="{tone}"' in page
    assert f'role="status">{sentence}</p>' in page


def test_the_sentence_says_so_when_a_target_is_away_or_the_page_may_be_old() -> None:
    """Green is only what is known to be so now; of a target that is away the page says as of when."""
    cycle_report = report(item(Verdict.IN_SYNC), failures=(TargetFailure("local", "target local: no route"),))
    page = source(cycle_report)
    assert "<title>1 model in sync; 1 target not reconciled · " in page
    assert 'class="warning"' in page
    assert Page(page).text.count("as of 2026-11-23T11:53:00Z") == 3  # in the notice, the head and its row
    old = replace(state(report(item(Verdict.IN_SYNC))), problem="the state is away")
    assert html.headline(old) == ("1 model in sync; this may be old", "warning")


def test_a_page_before_the_first_cycle_says_so() -> None:
    """No report is no error."""
    page = Page(html.overview(PageState(NOON, "0.1.0", "starting"), Selection(), None))
    assert "No cycle has finished yet." in page.text
    assert "table" not in page.tags


def test_a_model_is_a_row_with_its_reason_commit_and_next_attempt() -> None:
    """All that somebody needs to decide whether to look closer."""
    waiting = item(
        Verdict.WAITING,
        reasons=(Reason("http-503", "the registry is busy", "models.d/mnist.yaml", 1),),
        since=NOON - timedelta(minutes=9),
        next_attempt_at=NOON + timedelta(minutes=4),
        commit=COMMIT,
        author="Ada <ada@example.org>",
    )
    text = Page(source(report(DRIFTED, waiting))).text
    row = "waiting mnist @1.0.0 models.d/mnist.yaml:1 9 min the registry is busy Ada "
    row += f"{COMMIT[:12]} , 5 h ago in 4 min"
    assert row in text
    assert (
        "registered with other content: declare version 0.9.1 description: 'a' in git, 'b' in the registry"
        in text
    )
    assert "moving 1" in text
    assert "needs you 1" in text


def test_what_needs_somebody_stands_first() -> None:
    """Then what moves, then what rests; each group has a heading."""
    page = source(report(*(item(verdict, verdict.value) for verdict in Verdict)))
    order = re.findall(r'class="badge \w+" title="[^"]+">([\w-]+)<', page)
    assert order == [
        *("refused", "invalid", "conflict", "failed", "drifted", "missing"),
        *("waiting", "publishing", "import"),
        *("unmanaged", "in-sync"),
    ]
    assert re.findall(r'rowheader">([\w ]+) <span>(\d+)<', page) == [
        ("needs you", "6"),
        ("moving", "3"),
        ("at rest", "2"),
    ]


def test_verdicts_without_a_model_fold_away() -> None:
    """A tile is a number that says something."""
    page = source(report(item(Verdict.FAILED), item(Verdict.IN_SYNC, "b")))
    assert re.findall(r'class="tile \w+" href="\?verdict=([\w-]+)"', page) == ["failed", "in-sync"]
    folded = page.partition('<details id="empty-verdicts">')[2].partition("</details>")[0]
    assert set(re.findall(r"\?verdict=([\w-]+)", folded)) == set(Verdict) - {"failed", "in-sync"}


def test_the_numbers_follow_the_search_and_the_pages_the_filter() -> None:
    """Both together, whatever the case."""
    cycle_report = report(
        *(item(v, n) for v in (Verdict.FAILED, Verdict.IN_SYNC) for n in ("mnist", "resnet"))
    )
    page = Page(source(cycle_report, Selection(q="MNI", verdict="failed")))
    assert "Models 1 to 1 of 1; 2 match the search" in page.text
    assert "2 all 1 failed 1 in-sync" in page.text
    assert "resnet" not in page.text
    assert page.values("input", "value") == ["MNI", "failed"]


def test_a_search_that_matches_nothing_leads_back() -> None:
    """An empty page always says why it is empty."""
    assert "No model matches. Show all." in Page(source(report(DRIFTED), Selection(q="nothing"))).text
    assert "There is no page 7. Show the last one." in Page(source(report(DRIFTED), Selection(page=7))).text
    assert "No model is declared, and none is registered." in Page(source(report())).text


def test_many_models_are_pages_that_lead_to_each_other() -> None:
    """A browser is not given a hundred thousand rows, and reaches each of them."""
    cycle_report = report(*(item(Verdict.IN_SYNC, f"m-{n:03}") for n in range(ROWS * 2 + 7)))
    page = Page(source(cycle_report, Selection(page=2, q="m")))
    assert page.tags.count("tr") == 1 + 1 + ROWS
    assert f"Models {ROWS + 1} to {ROWS * 2} of {ROWS * 2 + 7}" in page.text
    assert "first previous page 2 of 3 next last" in page.text
    assert {"?q=m", "?q=m&page=3"} <= set(page.values("a", "href"))


def test_a_page_of_models_of_which_everything_is_wrong_stays_small() -> None:
    """Long reasons and many of them are cut; the model's own page tells them all."""
    reasons = tuple(
        Reason("invalid-value", f"{n}: {'x' * 3000}", "models.d/a.yaml", n, n) for n in range(1, 100)
    )
    diff = tuple(Difference(f"field_{n}", "a" * 3000, "b" * 3000) for n in range(99))
    bad = [item(Verdict.DRIFTED, f"m-{n}", reasons=reasons, diff=diff) for n in range(ROWS)]
    page = source(report(*bad))
    assert len(page.encode()) < 200 * 1024
    assert page.count("and more, on its page") == ROWS


def test_a_long_digest_is_shown_whole_only_once() -> None:
    """A hundred refused models do not repeat it; the head has it, to be copied."""
    why = f"too many: `reconciler apply --confirm {DIGEST}`"
    refused = [item(Verdict.REFUSED, f"m-{n}", reasons=(Reason("max-imports", why),)) for n in range(9)]
    page = source(report(*refused))
    assert page.count(DIGEST) == 1
    assert page.count(f"--confirm {DIGEST[:12]}…") == 9


def test_failures_and_notes_stand_above_the_models() -> None:
    """What concerns everything is said first."""
    cycle_report = report(failures=(TargetFailure("prod", "target prod: no route"),), notes=("dirty tree",))
    text = Page(source(cycle_report, last_tick=TickSummary(NOON, 1.0, "error", "git could not be read"))).text
    assert text.index("git could not be read") < text.index("target prod: no route")
    assert text.index("dirty tree") < text.index("0 all")


def test_a_matrix_shows_each_name_and_version_in_every_target() -> None:
    """With several targets; a cell leads to the model of its target."""
    items = (
        item(Verdict.IN_SYNC, target="staging"),
        item(Verdict.FAILED, target="prod"),
        item(Verdict.IMPORT, "resnet", target="staging"),
    )
    targets = (TargetFacts("staging", ""), TargetFacts("prod", ""))
    models = Listing(items, 2, Counter((one.target, one.verdict) for one in items))
    page = Page(
        html.overview(
            replace(state(report(*items)), targets=targets), Selection(view="matrix"), OverviewFacts(models)
        )
    )
    assert "Model staging prod mnist @1.0.0 in-sync failed resnet @1.0.0 import not known" in page.text
    assert "models/prod/mnist/1.0.0" in page.values("a", "href")


def test_the_page_of_a_model_tells_all_that_is_known_of_it() -> None:
    """Verdict, what to do, manifest with its problems, both sides, timeline, versions."""
    made = FileChange(DRIFTED.path or "", COMMITS[COMMIT])
    happened = event(
        EventKind.DRIFTED, 1, pair=ModelKey("resnet", "0.9.0"), commit=COMMIT, request_id="req-1"
    )
    lines = (
        ManifestLine(1, "model_name: resnet"),
        ManifestLine(2, "runtme: x", (Reason("u", "bad", "p", 2, 1),)),
    )
    facts = ModelFacts(
        "local",
        "resnet",
        "0.9.0",
        (DRIFTED,),
        (("1.0.0", None), ("0.9.0", DRIFTED)),
        "1.0.1",
        manifest=ManifestText(DRIFTED.path or "", COMMIT, lines, 3),
        registered=Registered(
            (FieldComparison("description", "a", "b", FieldState.DIFFERS),), NOON - timedelta(seconds=9)
        ),
        timeline=rows([Declaration("local", ModelKey("resnet", "0.9.0"), [made])], [happened]),
    )
    page = Page(
        html.model(replace(state(report(DRIFTED)), file_url="https://x/{commit}/{path}#{line}"), facts)
    )
    for expected in (
        "resnet@0.9.0 drifted registered with other content; versions are immutable since",
        "What to do A registered version is immutable. For the new content set model_version to 1.0.1",
        "git log -p -- models.d/resnet.yaml",
        "1 model_name: resnet 2 runtme: x 1: bad",
        "and 3 more lines",
        "The registry was asked 9 s ago.",
        "description a b differs",
        "drifted request req-1 cycle cycle-1",
        f"commit {COMMIT[:12]} declared by Grace: Add resnet",
        "1.0.0 remembered 0.9.0 drifted The next free version is 1.0.1 .",
    ):
        assert expected in page.text, page.text
    assert f"https://x/{COMMIT}/models.d/resnet.yaml#1" in page.values("a", "href")
    assert "../../../models/local/resnet/1.0.0" in page.values("a", "href")


def test_keys_of_the_vendor_are_never_shown() -> None:
    """Neither in the manifest nor beside what is registered nor as a difference."""
    key = "deployment_constraints.model_security.model_key"
    secret = {"model_security": {"model_key": "s3cret", "security_policy": "p"}}
    fields = (FieldComparison("deployment_constraints", secret, secret, FieldState.EQUAL),)
    shown = DRIFTED._replace(diff=(Difference(key, "s3cret", "0ther"),))
    facts = ModelFacts("local", "resnet", "0.9.0", (shown,), registered=Registered(fields, NOON))
    page = html.model(state(report(shown)), facts) + source(report(shown))
    assert "s3cret" not in page
    assert "0ther" not in page
    assert "security_policy" in page


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("https://git.example.org/c/{commit}", f"https://git.example.org/c/{COMMIT}"),
        (None, None),
    ],
)
def test_commits_link_where_a_template_says(template: str | None, link: str | None) -> None:
    """With the commit in its place; without a template there is no link."""
    links = Page(source(report(DRIFTED), commit_url=template)).values("a", "href")
    assert (link in links) is (link is not None)


def test_half_a_character_is_no_part_of_a_link() -> None:
    """The page is shown without the link."""
    page = source(report(DRIFTED._replace(commit="\udd00")), commit_url="https://x/{commit}")
    assert not any(href.startswith("https://x/%") for href in Page(page).values("a", "href"))


def test_a_reader_is_left_alone_who_wants_to_be() -> None:
    """Without script the browser fetches the page again, with script events do; both can be switched off."""
    page = source(report())
    assert '<noscript><meta http-equiv="refresh" content="15"></noscript>' in page
    assert '<body data-root="" data-live data-token="">' in page
    page = source(report(), Selection(verdict="failed", refresh="off"))
    assert "http-equiv" not in page
    assert '<body data-root="" data-token="">' in page
    assert 'href="?verdict=failed"' in page


def test_the_page_loads_nothing_from_anywhere() -> None:
    """Self-contained: its style, its script and its icon are in it."""
    page = Page(source(report(DRIFTED)))
    assert not {"img", "iframe", "object"} & set(page.tags)
    assert page.values("script", "src") == []
    assert all(link.startswith("data:") for link in page.values("link", "href"))


def test_the_policy_names_exactly_the_style_and_the_script_of_the_page() -> None:
    """A browser applies them only if their digests are those that the header promises."""
    page = source(report())
    for tag, promised in zip(("style", "script"), html.policy_sources(), strict=True):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert inside is not None
        digest = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert promised == f"'sha256-{digest}'"


def test_the_script_is_a_few_kilobytes() -> None:
    """Nobody waits for it."""
    script = re.search(r"<script>(.*?)</script>", source(report()), re.DOTALL)
    assert script is not None
    assert len(script[1]) < 6 * 1024


@settings(max_examples=examples(60))
@given(REPORTS, HOSTILE)
def test_nothing_from_outside_is_markup(report: Report, query: str) -> None:
    """The same tags whatever the words are, and the words are all there."""
    page = Page(source(report, Selection(q=query)))
    assert page.tags.count("script") == page.tags.count("style") == page.tags.count("main") == 1
    assert "img" not in page.tags
    assert page.values("input", "value")[0] == printable(query)
    shown = Page(source(report))
    assert shown.tags.count("td") == 6 * len(report.items) or len(report.items) != len(
        shown.values("tr", "role")
    )
    outside = [link for link in shown.values("a", "href") if not link.startswith(("?", "models/"))]
    assert outside == ["#main", "./", "api/report", "metrics"]
