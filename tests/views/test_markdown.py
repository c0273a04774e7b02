from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given, settings
from markdown_it import MarkdownIt

from reconciler.engine.values import Report, TargetFailure, Verdict
from reconciler.manifest.values import Reason
from reconciler.printable import printable
from reconciler.views import markdown
from reconciler.views.problems import distinct, headline
from reconciler.views.words import worded
from tests.effort import examples
from tests.views.samples import COMMIT, DIGEST, DRIFTED, REPORTS, item, report

ALLOWED = {
    *("h3", "p", "code", "strong", "table", "thead", "tbody", "tr", "th", "td", "pre", "details", "summary"),
}


class Document(HTMLParser):
    """The tags, the cells and the text of what a reader of the comment sees."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.preformatted: list[str] = []
        self._open: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(source))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Begins a cell or a block."""
        self.tags.add(tag)
        self._open.append(tag)
        if tag == "td":
            self.cells.append("")
        if tag == "pre":
            self.preformatted.append("")

    def handle_endtag(self, tag: str) -> None:
        """Ends what was begun."""
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text of the innermost cell or block."""
        if "td" in self._open:
            self.cells[-1] += data
        if "pre" in self._open:
            self.preformatted[-1] += data


def test_a_report_is_a_heading_a_table_and_folded_reasons() -> None:
    """The whole comment for one drifted model."""
    assert markdown.report(report(DRIFTED, item(Verdict.IN_SYNC, "ok"))) == (
        "### Reconciler plan: 1 in sync, 1 drifted\n\n"
        f"Commit <code>{COMMIT[:12]}</code>, plan digest <code>{DIGEST}</code>\n\n"
        "| Verdict | Model | Target | Manifest | Registry |\n|---|---|---|---|---|\n"
        "| drifted | <code>resnet&#64;0.9.0</code> | <code>local</code> "
        "| <code>models.d/resnet.yaml&#58;1</code> | <code>id-7</code> <code>published</code> |\n\n"
        "<details><summary>drifted <code>resnet&#64;0.9.0</code></summary>\n\n"
        "```text\nmodels.d/resnet.yaml:1: registered with other content: declare version 0.9.1\n```\n\n"
        "```text\ndescription: 'a' in git, 'b' in the registry\n```\n\n</details>\n"
    )


def test_a_report_in_sync_has_no_table() -> None:
    """Nothing to discuss is one line."""
    assert "|" not in markdown.report(report(item(Verdict.IN_SYNC)))


def test_failed_targets_and_notes_are_told() -> None:
    """A plan that could not be made for a target must not look complete."""
    output = markdown.report(report(failures=(TargetFailure("prod", "no route"),), notes=("dirty",)))
    assert "**Error:** <code>no route</code>" in output
    assert "Note: <code>dirty</code>" in output


@settings(max_examples=examples(60))
@given(REPORTS)
def test_nothing_from_outside_is_markup(report: Report) -> None:
    """A Markdown reader finds our tags only, five cells a row, and each text exactly as it was cleaned."""
    page = Document(markdown.report(report))
    shown = [i for i in report.items if i.verdict is not Verdict.IN_SYNC]
    assert page.tags <= ALLOWED
    assert len(page.cells) == 5 * len(shown)
    assert [cell.strip() for cell in page.cells[1::5]] == [printable(i.title).strip() for i in shown]
    reasons = [
        "\n".join(headline(reason) for reason in distinct(i.reasons)) + "\n" for i in shown if i.reasons
    ]
    diffs = ["\n".join(map(worded, i.diff)) + "\n" for i in shown if i.diff]
    assert sorted(page.preformatted) == sorted(reasons + diffs)


def test_a_comment_never_exceeds_what_a_host_takes_and_says_what_it_left_out() -> None:
    """Ten thousand problems of a thousand characters become a comment that GitHub accepts."""
    long = tuple(Reason("c", "m" * 1000, "a.yaml", n) for n in range(10))
    comment = markdown.report(
        report(
            *(item(Verdict.INVALID, f"m-{n}", reasons=long) for n in range(1000)),
            notes=("n" * 5000,) * 10,
        )
    )
    assert len(comment) < 65_536
    assert "… and " in comment
    assert Document(comment).tags <= ALLOWED
