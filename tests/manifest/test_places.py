"""Every problem has its place: file, line, column, and the text of that line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import InvalidManifest, Manifest, Reason, caret
from reconciler.manifest.text import Text, printable
from tests.manifest.examples import MINIMAL, PATH, invalid, only_reason, place, results


def test_a_wrong_value_is_placed_at_the_value() -> None:
    """The designed message, with the line under it."""
    reason = only_reason(MINIMAL.replace("1.0.0", "01.0.0"))
    assert (reason.path, place(reason), reason.excerpt) == (PATH, "2:16", "model_version: 01.0.0")
    assert reason.message.startswith("model_version '01.0.0': ")


def test_an_unknown_field_is_placed_at_its_key_with_the_likely_one() -> None:
    """Also deep in a list of structs."""
    text = (
        f"{MINIMAL}modle_algorithm: x\ndependencies:\n- installer: pip\n  packages:\n"
        "  - {package_name: numpy,\n     restrain: EXACT}\n"
    )
    top, deep = invalid(text).reasons
    assert (top.code, place(top)) == ("unknown-field", "5:1")
    assert "did you mean 'model_algorithm'?" in top.message
    assert (deep.code, place(deep)) == ("unknown-field", "10:6")
    assert "did you mean 'restraint'?" in deep.message


def test_a_missing_field_is_placed_where_its_struct_begins() -> None:
    """For the document that is its first line, comments and `---` left aside."""
    text = f"# about\n---\n{MINIMAL}dependencies:\n- installer: pip\n".replace("model_type: TensorFlow\n", "")
    reasons = {reason.message.split(":")[0]: place(reason) for reason in invalid(text).reasons}
    assert reasons == {"model_type": "3:1", "dependencies[0].packages": "7:3"}


def test_all_problems_of_all_documents_are_told_in_order() -> None:
    """Errors first, then by line."""
    text = "model_name: a b\nruntime: 3\nmodel_type: TensorFlow\n"
    reasons = [reason for result in results(f"{text}---\n{text}") for reason in _reasons(result)]
    lines = [reason.line for reason in reasons]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert {2, 6} <= {*lines}


def _reasons(result: Manifest | InvalidManifest) -> tuple[Reason, ...]:
    return result.warnings if isinstance(result, Manifest) else result.reasons


def test_a_problem_inside_a_json_text_is_placed_at_the_text() -> None:
    """The deepest place that the manifest itself has."""
    text = f'{MINIMAL}initial_config: \'{{"apis": [{{"protocol": "htp"}}], "model_algorithm": "x"}}\'\n'
    assert place(only_reason(text)) == "5:17"


def test_a_duplicate_key_names_both_places_and_the_rest_is_still_checked() -> None:
    """The first one counts."""
    version, name = invalid(f"{MINIMAL.replace('1.0.0', '1')}model_name: other\n").reasons
    assert (version.code, place(version)) == ("invalid-value", "2:16")
    assert (name.code, place(name)) == ("duplicate-key", "5:1")
    assert name.message == "'model_name' is given twice; it is at 1:1 already"


def test_a_duplicate_key_deep_inside_or_quoted_is_found_too() -> None:
    """Also in JSON, where readers usually take the last."""
    text = f'{MINIMAL}metadata:\n  labels: {{tier: gold, "tier": lead}}\n'
    assert only_reason(text).message == "'tier' is given twice; it is at 6:12 already"
    (repeated,) = (
        reason
        for reason in invalid('{"metadata": {"a": 1,\n "b": 2, "a": 3}}', "a.json").reasons
        if reason.code == "duplicate-key"
    )
    assert (place(repeated), repeated.message) == ("2:10", "'a' is given twice; it is at 1:15 already")


def test_a_name_that_could_be_read_is_told_though_the_document_is_invalid() -> None:
    """So that a report can say which model is concerned."""
    result = invalid("model_name: mnist\nmodel_version: 1.0.0\nmodel_type: [\n")
    assert (result.model_name, result.model_version, result.line) == ("mnist", "1.0.0", 1)
    result = invalid("model_name: [a]\nmodel_version: true\n")
    assert (result.model_name, result.model_version) == (None, None)
    result = invalid(f"{MINIMAL}---\nmodel_name: [\n")
    assert (result.model_name, result.model_version) == (None, None)


def test_very_many_problems_are_counted_not_all_listed() -> None:
    """A hundred are told, and how many more there are."""
    result = invalid("".join(f"unknown{n}: 1\n" for n in range(300)))
    assert len(result.reasons) == 101
    assert result.reasons[-1].code == "more-problems"
    assert "more problems" in result.reasons[-1].message


@pytest.mark.parametrize(
    ("before", "after"), [(0, 0), (10, 500), (158, 500), (159, 500), (400, 3), (400, 500)]
)
def test_a_long_line_is_cut_around_the_place(before: int, after: int) -> None:
    """At most 160 characters, and `caret` still finds the character meant."""
    line = f"{'<' * before}X{'>' * after}"
    text = Text(f"first\n{line}\nlast")
    index = text.characters.index("X")

    excerpt = text.excerpt(index)

    assert len(excerpt) <= 160
    assert excerpt[caret(text.place(index)[1])] == "X"
    assert (excerpt[0] == "…", excerpt[-1] == "…") == (before > 158, len(line) > 160 and after > 80)


def test_an_excerpt_holds_nothing_that_could_disturb_a_terminal() -> None:
    """One stand-in for each character, so that columns stay."""
    line = "a\x1b[31m\t\x00\x9b\u202e\u2028\ud800é世😀"
    assert printable(line) == "a␛[31m ␀\ufffd\ufffd\ufffd\ufffdé世😀"


@given(
    st.text(st.sampled_from("ab世\t\x1b\u202e \n\r"), max_size=600),
    st.integers(min_value=0, max_value=600),
)
def test_the_caret_always_points_at_the_character_of_the_place(characters: str, index: int) -> None:
    """For any text and any index of it that is not a line break."""
    text = Text(characters)
    index = min(index, len(characters))
    _, column = text.place(index)
    excerpt = text.excerpt(index)

    assert "\n" not in excerpt
    assert "\r" not in excerpt
    assert len(excerpt) <= 160
    if index < len(characters) and characters[index] not in "\r\n":
        assert excerpt[caret(column)] == printable(characters[index])
