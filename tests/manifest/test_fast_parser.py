"""The quick way through a file reads what the careful way reads, or leaves the file to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.manifest.fast_parser import NotSimple, read_quickly
from reconciler.manifest.json_text import read_json
from reconciler.manifest.nodes import Builder
from reconciler.manifest.text import UnreadableFile, decode
from reconciler.manifest.yaml_text import read_yaml
from tests.effort import examples
from tests.manifest.examples import DESIGNED, MINIMAL

Read = list[tuple[Any, int]]


def _quickly(text: str, *, is_json: bool = False) -> Read | None:
    try:
        return read_quickly(decode(text.encode(), json=is_json).characters, is_json=is_json)
    except (NotSimple, UnreadableFile):
        return None


def _carefully(text: str, *, is_json: bool = False) -> Read | None:
    """What every document says and where it begins; None when anything is wrong with any of them."""
    builder = Builder()
    try:
        page = decode(text.encode(), json=is_json)
        (read_json if is_json else read_yaml)(page, builder)
    except UnreadableFile:
        return None
    if any(document.flaws for document in builder.documents):
        return None
    said = [document for document in builder.documents if document.value is not None]
    return [(document.value, page.place(document.index())[0]) for document in said]


def _with_types(value: Any) -> Any:
    """The value with the class of every leaf and the order of every mapping."""
    if isinstance(value, dict):
        return [(type(key), key, _with_types(below)) for key, below in value.items()]
    if isinstance(value, list | tuple):
        return [_with_types(below) for below in value]
    return type(value), value


def _agree(text: str, *, is_json: bool = False) -> None:
    quick = _quickly(text, is_json=is_json)
    if quick is not None:
        careful = _carefully(text, is_json=is_json)
        assert careful is not None
        assert _with_types(quick) == _with_types(careful)


# --- YAML ----------------------------------------------------------------------------------------------

KEYS = st.sampled_from(["a", "b", "c", "model_name", "x-1", "d.e/f", "7", "null", "k" * 100])
PLAIN = st.sampled_from(
    [
        *("x", "1.10", "x y  z", "-1", "a:b", "https://x.y/z?q=1&r=(2)", "a, b", "~", "null", "True", "yes"),
        *("0x1", "=", "<<", ".5", "手写", "a\u00a0b", "it's", 'say "x"', "a]", "a\\b", "x" * 1100, "a-"),
        *("$x", "(a)", "2020-01-01", "a?", "^b"),
    ]
)
QUOTED = st.sampled_from(
    [
        *("'a'", "''", '""', '"a: b, c"', "'true'", "'手'", '"it\'s"', "'[x]'", "' a '", "'it''s'", "''''"),
        *(r'"a \"b\" \\ \/ \n\t"', r'"\u4e16"', r'"\ud83d\ude00"', r'"\u0000"', r'"\r"', r'"\u0085\ufeff"'),
        *(r'"\x41"', r'"\e"', r'"\u12"'),
    ]
)
TEXT_LINES = st.sampled_from(
    [
        *(
            "x",
            "x y",
            "# c",
            "a: b",
            "- a",
            "",
            "",
            " x",
            "   ",
            "x ",
            "it's",
            '"q"',
            "\\n",
            "手",
            "[a]",
            "x:",
        ),
        *(
            "'",
            "{",
            "---",
            "...",
            "null",
            "a,",
            "?",
            "\tx",
            "x\ty",
            "%",
            "&a",
            "*a",
            "!t",
            "@",
            "x # c",
            "x #c",
        ),
        *("https://x.y/z", "1.10", "}"),
    ]
)
FLOW_PLAIN = st.sampled_from(
    ["x", "1.10", "x y", "-1", "a:b", "https://x.y/z", "~", "null", "True", "手", "a&b", "a'"]
)
ODD = st.sampled_from(
    [
        *("|", ">-", "*a", "&a ", "!t ", "%x", "@x", "`x", "---", "...", "--- ", "%YAML 1.1", "<<", "<<: "),
        *("? ", "?", ": ", "- ", ":", "#", " #", " # c", ",", "[", "]", "{", "}", "'", '"', "\\", "\t"),
        *("\r", "\n", "\n\n", "\n  ", " ", "  ", "-", "a: b", "[]", "{}", "[ ]", "{a: b}", "[a, b]", "''"),
        *("é", "\x85", "k" * 101 + ": ", "x" * 1100, "\n---\n", "\n# c\n", "\ufeff", "\u2028"),
    ]
)


@st.composite
def flows(draw: st.DrawFn, depth: int = 2) -> str:
    """A flow mapping or list within a line."""
    scalars = FLOW_PLAIN | QUOTED | st.sampled_from(["{}", "[]"])
    members = draw(st.lists(flows(depth - 1) | scalars if depth else scalars, min_size=1, max_size=3))
    comma = draw(st.sampled_from([", ", ",", " , "]))
    if draw(st.booleans()):
        return f"[{comma.join(members)}]"
    keys = draw(st.lists(KEYS, min_size=len(members), max_size=len(members)))
    return "{" + comma.join(f"{key}: {member}" for key, member in zip(keys, members, strict=True)) + "}"


@st.composite
def spanning(draw: st.DrawFn, column: int) -> list[str]:
    """What follows a key or a dash in that column, on its line and on others below it."""
    inner = " " * (column + draw(st.sampled_from([2, 2, 2, 1, 4, 0])))
    lines = [
        f"{inner}{line}" if line else line for line in draw(st.lists(TEXT_LINES, min_size=1, max_size=4))
    ]
    match draw(st.sampled_from(["block", "block", "wrapped", "below", "flow"])):
        case "block":
            return [draw(st.sampled_from(["|", "|-", ">", ">-", "|+", "|2", "> ", "|- # c"])), *lines]
        case "wrapped":
            return [draw(PLAIN), *lines]
        case "below":
            return ["", f"{inner}{draw(PLAIN)}", *lines]
    flow = draw(flows()).replace(", ", draw(st.sampled_from([", ", ",\n", " ,\n"])))
    flow = flow.replace("[", draw(st.sampled_from(["[", "[\n"])))
    end = draw(st.sampled_from(["", "", "\n", "\n\n", "\n# c\n"]))
    first, *rest = f"{flow[:-1]}{end}{flow[-1]}".split("\n")
    return [first, *(f"{inner}{line}" if line else line for line in rest)]


@st.composite
def blocks(draw: st.DrawFn, column: int = 0, depth: int = 3) -> list[str]:
    """The lines of a block mapping, or of a list below the outermost mapping."""
    indent, lines = " " * column, []
    is_list = depth < 3 and draw(st.booleans())
    keys = draw(st.lists(KEYS, min_size=1, max_size=3, unique=draw(st.integers(0, 9)) > 0))
    for key in keys:
        head = f"{indent}- " if is_list else f"{indent}{key}:"
        end = draw(st.sampled_from(["", "", "", "", " ", " # c", "  #"]))
        if depth and draw(st.booleans()):
            step = draw(st.sampled_from([0, 1, 2, 2, 4])) if not is_list else 2
            below = draw(blocks(column + step, depth - 1))
            lines += [f"{head}{below[0].lstrip(' ')}", *below[1:]] if is_list else [f"{head}{end}", *below]
        elif draw(st.integers(0, 3)) == 0:
            first, *rest = draw(spanning(column))
            lines += [f"{head} {first}", *rest]
        else:
            value = draw(PLAIN | QUOTED | flows() | st.just(""))
            lines.append(f"{head} {value}{end}" if value else f"{head}{end}")
        lines += draw(st.sampled_from([[], [], [], [], [""], ["# c"], [f"{indent}  # c"]]))
    return lines


@st.composite
def texts(draw: st.DrawFn, body: st.SearchStrategy[str]) -> str:
    """Plain YAML into which up to two odd things were put, mostly in place of something."""
    text = draw(body)
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 7])))
        text = text[:start] + draw(ODD | st.just("")) + text[end:]
    return text.replace("\n", draw(st.sampled_from(["\n", "\n", "\n", "\r\n"])))


def documents() -> st.SearchStrategy[str]:
    """One document, or several."""
    document = blocks().map(lambda lines: "\n".join([*lines, ""]))
    several = st.lists(document | st.sampled_from(["", "# c\n", "---\n"]), max_size=3).map("---\n".join)
    return document | document.map("---\n{}".format) | several


@settings(max_examples=examples(1000))
@given(texts(documents()))
def test_nearly_plain_yaml_is_read_alike(text: str) -> None:
    """Whatever kinds of lines follow each other, in whatever indentation."""
    _agree(text)


@settings(max_examples=examples(500))
@given(texts(spanning(0).map(lambda lines: "\n".join([f"a: {lines[0]}", *lines[1:], "b: c", ""]))))
def test_what_spans_lines_is_read_alike(text: str) -> None:
    """Block scalars, wrapped scalars, flow mappings and lists, with any text in them."""
    _agree(text)


@settings(max_examples=examples(500))
@given(texts(flows(3).map("a: {}\nb:\n- x\n".format)))
def test_nearly_plain_flow_mappings_are_read_alike(text: str) -> None:
    """Within a line, at any depth."""
    _agree(text)


def test_deep_nesting_is_left_to_the_careful_way() -> None:
    """Which refuses what is too deep."""
    block = "".join(f"{' ' * level}a:\n" for level in range(40))
    for text in (block, f"a: {'[' * 33}x{']' * 33}", f"a: {'{a: ' * 33}x{'}' * 33}"):
        assert _carefully(text) is None
        assert _quickly(text) is None


def test_many_nodes_are_left_to_the_careful_way() -> None:
    """Which refuses them."""
    for text in (f"a: [{'x,' * 20_000}x]", "".join(f"k{number}: x\n" for number in range(10_001))):
        assert _carefully(text) is None
        assert _quickly(text) is None


@pytest.mark.parametrize("count", [100, 101])
def test_as_many_documents_are_read_as_the_careful_way_reads(count: int) -> None:
    """And the lines of all of them are known."""
    _agree("---\n".join(["a: b\n\n"] * count))


# --- JSON ----------------------------------------------------------------------------------------------

JSON_TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=2), below, max_size=3),
    max_leaves=12,
)
ODD_JSON = st.sampled_from(
    [
        *'{}[],:"\\ \n\r\t-1e.',
        *('"a":1,', "null", "NaN", "Infinity", "1.10", "1e400", '\\"', "\\u0000", "\\b", "\\n"),
    ]
)


@settings(max_examples=examples(500))
@given(st.data(), st.dictionaries(st.text(max_size=2), JSON_TREES, max_size=4), st.sampled_from([None, 1]))
def test_nearly_good_json_is_read_alike(
    data: st.DataObject, tree: dict[str, Any], indent: int | None
) -> None:
    """With numbers as they are written."""
    text = data.draw(st.sampled_from(["", "\n ", "\r\n"])) + json.dumps(
        tree, indent=indent, ensure_ascii=False
    )
    for _ in range(data.draw(st.sampled_from([0, 0, 1, 2]))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 1, 3])))
        text = text[:start] + data.draw(ODD_JSON) + text[end:]
    _agree(text, is_json=True)


def test_json_deeper_than_the_limit_is_left_to_the_careful_way() -> None:
    """Which refuses it."""
    for text in ('{"a":' * 33 + "1" + "}" * 33, '{"a":' + "[" * 5000 + "]" * 5000 + "}"):
        assert _carefully(text, is_json=True) is None
        assert _quickly(text, is_json=True) is None


# --- what it is there for ------------------------------------------------------------------------------

EXAMPLES = Path(__file__).parents[2] / "models.d"


@pytest.mark.parametrize("text", [DESIGNED, MINIMAL, f"# one\n---\n{MINIMAL}---\n\n{DESIGNED}"])
def test_ordinary_manifests_go_the_quick_way(text: str) -> None:
    """In YAML."""
    assert _quickly(text) == _carefully(text) != []


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("[!.]*.*")), ids=lambda path: path.name)
def test_the_manifests_of_this_repository_go_the_quick_way(path: Path) -> None:
    """In YAML and JSON."""
    is_json = path.suffix == ".json"
    assert _quickly(path.read_text(), is_json=is_json) == _carefully(path.read_text(), is_json=is_json) != []


@pytest.mark.parametrize(
    "written",
    [
        *("|-\n  one\n\n  two", ">-\n  one\n  two", "|\n  one\n   two\n", ">\n    one\n    two\n\n    three"),
        *("one\n  two\n    three", "\n  one: two".replace(": ", ":"), "'it''s'", r'"a \"b\" \u4e16 \\"'),
    ],
)
def test_a_text_goes_the_quick_way_however_it_is_written(written: str) -> None:
    """And so do the documents around it, with the lines where they begin."""
    text = f"{MINIMAL}description: {written}\nmetadata: {{a: 1,\n  b: [2,\n    3]\n}}\n---\n{DESIGNED}"
    for lines in (text, text.replace("\n", "\r\n")):
        assert _quickly(lines) == _carefully(lines)
        assert len(_quickly(lines) or []) == 2
