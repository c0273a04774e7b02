from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.values import Reason
from reconciler.printable import width
from reconciler.views import problems
from tests.views.samples import REASONS, obeyed


def rendered(*reasons: Reason) -> list[str]:
    """The lines without colour."""
    return problems.render(reasons, colour=False).splitlines()


def test_a_problem_shows_its_place_its_line_and_a_caret() -> None:
    """The form that DESIGN promises."""
    reason = Reason(
        "version",
        "model_version '01.0.0': a part must not start with 0",
        "models.d/a.yaml",
        7,
        16,
        excerpt="model_version: 01.0.0",
    )
    assert rendered(reason) == [
        "models.d/a.yaml:7:16: model_version '01.0.0': a part must not start with 0",
        "    model_version: 01.0.0",
        "                   ^",
    ]


def test_a_warning_says_so() -> None:
    """A warning never looks like an error."""
    reason = Reason("runtime", "runtime: not in the table", "a.yaml", 2, 1, "warning")
    assert rendered(reason) == ["a.yaml:2:1: warning: runtime: not in the table"]


def test_problems_are_sorted_by_path_line_and_column_as_numbers() -> None:
    """Line 10 stands after line 9, whatever the order of finding."""
    reasons = [
        Reason("c", "m", path, line, column) for path in "ba" for line in (10, 9) for column in (11, 2)
    ]
    assert [line.removesuffix(": m") for line in rendered(*reasons)] == [
        *("a:9:2", "a:9:11", "a:10:2", "a:10:11", "b:9:2", "b:9:11", "b:10:2", "b:10:11"),
    ]


def test_the_caret_stands_under_its_column_after_wide_characters_and_tabs() -> None:
    """Chinese takes two cells, a tab reaches to the next multiple of four."""
    lines = rendered(Reason("c", "m", "a", 1, 6, excerpt="名字:\t'值'"))
    assert lines[1:] == ["    名字:   '值'", "             ^"]


def test_a_problem_of_a_whole_file_has_no_caret() -> None:
    """Without a column there is nothing to point at."""
    assert rendered(Reason("binary", "not UTF-8", "a.yaml", excerpt="\udcff")) == [
        "a.yaml: not UTF-8",
        r"    \xff",
    ]


def test_a_problem_without_a_file_is_its_message() -> None:
    """No empty place is printed."""
    assert rendered(Reason("none", "nothing to check")) == ["nothing to check"]


def test_no_problems_render_as_nothing() -> None:
    """An empty list prints not even a line break."""
    assert problems.render([], colour=False) == ""


def test_a_very_long_line_is_cut_around_the_column() -> None:
    """A file of one line does not fill the screen, and the caret still points at the right character."""
    excerpt = "x" * 80 + "!" + "y" * 79  # what a manifest's reason keeps of such a line
    _, line, caret = rendered(Reason("c", "m", "a", 1, 100_001, excerpt=excerpt))
    assert width(line) < 120
    assert line[caret.index("^")] == "!"
    assert line.strip().startswith("…")
    assert line.endswith("…")


@given(st.text(st.sampled_from("ab:#[ \t中e\u0301ｗ\x1b\u202e"), min_size=1, max_size=150), st.data())
def test_the_caret_is_always_under_the_first_cell_of_its_character(line: str, data: st.DataObject) -> None:
    """Whatever stands before it, the caret is as far right as what is shown before its character."""
    column = data.draw(st.integers(1, len(line)))
    marked = line[: column - 1] + "!" + line[column:]
    lines = rendered(Reason("c", "m", "a", 1, column, excerpt=marked))
    shown, caret = lines[1], lines[2]
    assert width(shown[: shown.index("!")]) == caret.index("^")
    assert not obeyed(shown)


@given(REASONS, st.booleans())
def test_a_reason_in_json_has_exactly_the_promised_keys(reason: Reason, with_severity: bool) -> None:
    """Unknown values are null, and `severity` stands only in validate's own list."""
    entry = problems.as_json(reason, severity=with_severity)
    assert list(entry) == ["code", "message", "path", "line", "column", *["severity"] * with_severity]
    assert entry["line"] == reason.line


def test_colour_is_only_there_when_asked_for() -> None:
    """The same text, with and without the terminal's colours."""
    reason = Reason("c", "m", "a", 1, 1, "warning", "x")
    plain = problems.render([reason], colour=False)
    painted = problems.render([reason], colour=True)
    assert "\x1b" not in plain
    assert "\x1b[33m" in painted
