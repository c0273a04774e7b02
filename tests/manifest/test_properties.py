"""Whatever the bytes: no exception, always an answer; whatever the content: nothing is lost on the way."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.contract import edition
from reconciler.contract.json_values import UnquotedScalar
from reconciler.manifest import InvalidManifest, Manifest, read
from reconciler.manifest.json_text import read_json
from reconciler.manifest.nodes import Builder
from reconciler.manifest.text import Text, decode
from reconciler.manifest.yaml_text import LOADER, read_yaml
from tests.effort import examples
from tests.manifest.examples import DESIGNED, results

PATHS = st.sampled_from(["models.d/a.yaml", "models.d/a.json"])
PIECES = st.sampled_from(
    [
        *"[]{}:,-?&*!|>'\"%@`#~\n \t\\",
        *("a", "1.10", ": ", "- ", "\n  ", "\r\n", "---\n", "...\n", "<<", "null", "true", '"\\u'),
        *("model_name: m\n", "model_version: 1.0.0\n", "metadata: ", "initial_config_file: c.json\n"),
    ]
)
TEXTS = st.text(
    st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"),
    max_size=30,
)
TREES = st.recursive(
    st.none() | st.booleans() | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXTS, below, max_size=4),
    max_leaves=25,
)


def _check(path: str, data: bytes) -> None:
    documents = read(path, data, edition("seed-2019"), {"models.d/c.json": b"{}"}.get)
    assert documents
    for result in documents:
        assert isinstance(result, Manifest | InvalidManifest)
        reasons = result.warnings if isinstance(result, Manifest) else result.reasons
        assert isinstance(result, Manifest) or any(reason.severity == "error" for reason in reasons)
        for reason in reasons:
            assert reason.path == path
            assert "\n" not in reason.message
            assert "\x1b" not in reason.message + (reason.excerpt or "")
            f"{reason.message}{reason.excerpt}".encode()


@given(PATHS, st.binary(max_size=200))
def test_any_bytes_get_an_answer(path: str, data: bytes) -> None:
    """Never an exception, never silence."""
    _check(path, data)


@settings(max_examples=examples(400))
@given(PATHS, st.lists(PIECES, max_size=30).map("".join))
def test_any_heap_of_syntax_gets_an_answer(path: str, text: str) -> None:
    """Pieces of YAML and JSON in any order."""
    _check(path, text.encode())


@given(st.data())
def test_a_damaged_manifest_gets_an_answer(data: st.DataObject) -> None:
    """Some bytes of a good one cut out, and others put there."""
    good = DESIGNED.encode()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 20)))
    _check("models.d/a.yaml", good[:start] + data.draw(st.binary(max_size=8)) + good[end:])


def _value(text: str, *, is_json: bool) -> Any:
    builder = Builder()
    (read_json if is_json else read_yaml)(decode(text.encode(), json=is_json), builder)
    (document,) = builder.documents
    assert not document.flaws
    return document.value


@given(TREES, st.booleans())
def test_any_tree_survives_yaml(tree: Any, flow: bool) -> None:
    """What PyYAML writes with quotes is read back equal, in block and in flow style."""
    text = yaml.dump(
        {"root": tree},
        Dumper=yaml.SafeDumper,
        default_style='"',
        default_flow_style=flow,
        allow_unicode=True,
        sort_keys=False,
        width=10_000,
    )
    # PyYAML quotes null and booleans too and says so with a tag: put the bare words back
    bare = (
        text.replace('!!null "null"', "null")
        .replace('!!bool "true"', "true")
        .replace('!!bool "false"', "false")
    )
    builder = Builder()
    read_yaml(Text(bare), builder)
    (document,) = builder.documents
    assert {flaw.code for flaw in document.flaws} <= {"control-character"}
    assert document.value == {"root": tree}


@given(TREES, st.sampled_from([None, 2, "\t"]), st.booleans())
def test_any_tree_survives_json(tree: Any, indent: int | str | None, ascii_only: bool) -> None:
    """With tabs, escapes and pairs of surrogates."""
    assert _value(json.dumps({"root": tree}, indent=indent, ensure_ascii=ascii_only), is_json=True) == {
        "root": tree
    }


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_number_is_kept_as_it_is_written(number: float) -> None:
    """As unquoted text, in both notations."""
    written = json.dumps(number)
    for is_json in (True, False):
        (value,) = _value(f'{{"a": {written}}}', is_json=is_json).values()
        assert type(value) is UnquotedScalar
        assert value == written


@given(TREES)
def test_every_place_leads_back_to_what_stands_there(tree: Any) -> None:
    """The recorded index of every scalar of a JSON text is where its notation begins."""
    characters = json.dumps({"root": tree}, indent=1)
    builder = Builder()
    read_json(Text(characters), builder)
    document = builder.documents[0]
    for loc, value in _leaves({"root": tree}, ()):
        assert characters.startswith(json.dumps(value), document.index(loc))
        if isinstance(loc[-1], str):
            assert characters.startswith(json.dumps(loc[-1]), document.index(loc, key=True))


def _leaves(tree: Any, loc: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if members is None:
        return [(loc, tree)]
    return [leaf for step, below in members for leaf in _leaves(below, (*loc, step))]


@given(st.lists(PIECES, max_size=40).map("".join))
def test_our_lines_and_columns_are_the_parser_s(text: str) -> None:
    """Counted from the index alone, they agree with what libyaml counts."""
    try:
        for event in yaml.parse(text, Loader=LOADER):
            mark = event.start_mark
            assert mark is not None
            if mark.index < len(text):  # at the very end libyaml counts a line that is not there
                assert Text(text).place(mark.index) == (mark.line + 1, mark.column + 1)
    except yaml.YAMLError:
        return


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_reading_twice_gives_equal_values(path: str) -> None:
    """Reading is pure."""
    first, second = (results(DESIGNED, path) for _ in range(2))
    assert first == second
