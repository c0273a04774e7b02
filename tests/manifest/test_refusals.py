"""What a manifest may not be: each refusal is clear, placed, quick, and about this file only."""

from __future__ import annotations

import pytest
import yaml

from reconciler.manifest import InvalidManifest, Manifest, Reason
from reconciler.manifest.nodes import Builder
from reconciler.manifest.text import Text, UnreadableFile
from reconciler.manifest.yaml_text import LOADER, read_yaml
from tests.manifest.examples import MINIMAL, PATH, invalid, only_reason, place, results

KIB = 1024


def _flaws(text: str) -> list[tuple[str, str]]:
    return [(reason.code, place(reason)) for reason in invalid(text).reasons]


def test_what_makes_yaml_mean_something_else_is_refused_where_it_stands() -> None:
    """Anchors, aliases, tags, merge keys and odd keys, all in one run, and nothing that follows from them."""
    text = (
        f"{MINIMAL}a: &x 1\nb: *x\n<<: {{a: b}}\nc: !!str 1\nd: !secret {{}}\n"
        "e: &y [1]\n? [k]\n: v\nf: {{ template }}\ng: {? : v}\n? *x\n: v\n"
    )
    assert _flaws(text) == [
        ("anchor", "5:4"),
        ("alias", "6:4"),
        ("merge-key", "7:1"),
        ("tag", "8:4"),
        ("tag", "9:4"),
        ("anchor", "10:4"),
        ("key-not-text", "11:3"),
        ("key-not-text", "13:5"),
        ("empty-key", "14:7"),
        ("alias", "15:3"),
    ]


def test_directives_are_refused() -> None:
    """A version or a tag shorthand."""
    assert _flaws(f"%YAML 1.1\n---\n{MINIMAL}") == [("directive", "1:1")]
    assert _flaws(f"%TAG ! tag:x,2000:\n---\n{MINIMAL}") == [("directive", "1:1")]


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    """Only the unquoted one has a meaning to refuse."""
    assert _flaws(f"{MINIMAL}'<<': 1\n") == [("unknown-field", "5:1")]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("a: b: c", "1:5", "in quotes"),
        ('a: "b\nc: d', "1:4", "a closing quote is missing"),
        ("a:\n\tb: c", "2:1", "a tab cannot indent"),
        ("a: b\n\tc: d", "2:1", "indent with spaces"),
        ("a: @b", "1:4", "begins with @"),
        ("a: [1, 2\nb: c", "2:2", "the closing bracket is missing"),
        ("a: 'b' c", "1:8", "a quote is missing"),
        ('a: "\\q"', "1:5", "write a backslash twice"),
        ("a: b\nc\nd: e", "2:1", "`key: value`"),
        ("a: b\nc", "2:1", "`key: value`"),
        ("a: }", "1:4", ""),
    ],
)
def test_a_syntax_error_says_where_and_what_to_do(text: str, where: str, words: str) -> None:
    """The usual mistakes, in the words of people."""
    reason = only_reason(text)
    assert (reason.code, place(reason)) == ("syntax", where)
    assert reason.message.startswith("not YAML: ")
    assert words in reason.message
    assert reason.excerpt == text.split("\n")[int(where[0]) - 1].replace("\t", " ")


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("{'a': 1}", "1:2", "double quotes"),
        ('{"a": 1\n "b": 2}', "2:2", "',' delimiter"),
        ('{"a": "x\ty"}', "1:9", "write \\n or \\t"),
        ('{"a": 1} x', "1:10", "Extra data"),
        ("// no\n{}", "1:1", "JSON has no comments"),
        ('{"a": -Infinity}', "1:7", "-Infinity is not a number"),
        ('{"a": 01}', "1:8", "delimiter"),
        ('{"a": "x', "1:7", "Unterminated string"),
        ("model_name: x", "1:1", "Expecting value"),
        ('{"a": [1,2}', "1:11", "delimiter"),
        ('{"a": True}', "1:7", "Expecting value"),
    ],
)
def test_what_is_not_strict_json_is_refused_in_a_json_file(text: str, where: str, words: str) -> None:
    """Even where YAML would take it."""
    reason = only_reason(text, "models.d/a.json")
    assert (reason.code, place(reason)) == ("syntax", where)
    assert words in reason.message


def test_a_comma_too_many_in_json_is_pointed_at() -> None:
    """The most common mistake in hand-written JSON."""
    reason = only_reason('{\n "a": 1,\n}', "a.json")
    assert reason.line in (2, 3)  # newer Pythons point at the comma itself
    assert "comma" in reason.message


def test_what_is_no_mapping_is_no_manifest() -> None:
    """A list or a text."""
    for text in ("- a\n", "only text\n", "[]", "12", "'null'"):
        assert only_reason(text).code == "not-a-mapping"


@pytest.mark.parametrize(
    ("data", "where", "words"),
    [
        (b"a: \xe9t\xe9\n", "1:4", "the byte 0xe9 is not UTF-8"),
        ("世: x\n界: ".encode() + b"\xff\n", "2:4", "the byte 0xff is not UTF-8"),
        ("a: b\n".encode("utf-16"), "None:None", "UTF-16; save it as UTF-8"),
        ("a: b\n".encode("utf-16-be"), "1:1", "NUL"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "None:None", "binary"),
        (b"a: b\x00c\n", "1:5", "NUL (U+0000)"),
        (b"a: b\nc: \x1b[31m\n", "2:4", "the control character U+001B"),
        ("a: \x85b".encode(), "1:4", "the line separator U+0085"),
        ("a: b\u2028c".encode(), "1:5", "the line separator U+2028"),
        ("a: b\n\ufeffc: d".encode(), "2:1", "a byte order mark (U+FEFF)"),
        (b'a: "b\\x1b"\n', "1:4", "the control character U+001B"),
        (b'a: "\\0"\n', "1:4", "NUL"),
    ],
)
def test_what_is_not_clean_text_is_refused(data: bytes, where: str, words: str) -> None:
    """With the first place where it is not; nothing raw in message or excerpt."""
    reason = only_reason(data)
    assert place(reason) == where
    assert words in reason.message
    assert (reason.message + (reason.excerpt or "")).isprintable()


def test_half_a_surrogate_pair_is_refused_in_json() -> None:
    """It could not be sent as UTF-8."""
    reason = invalid('{"model_name": "\\ud83d"}', "a.json").reasons[0]
    assert (reason.code, place(reason)) == ("control-character", "1:16")
    assert "half of a surrogate pair (U+D83D)" in reason.message


def test_half_a_surrogate_pair_in_json_inside_of_text_is_refused() -> None:
    """There the manifest has an escape like any other; the place is the field's."""
    text = f"{MINIMAL}model_metrics: '{{\"\\ud800\": 1}}'\n"
    (reason,) = (reason for reason in invalid(text).reasons if reason.severity == "error")
    assert (reason.code, reason.line) == ("invalid-value", 5)
    assert "model_metrics.'\\ud800'" in reason.message


PARAM = "url: /, protocol: http, method: get, param_name: x, param_type: int"


@pytest.mark.parametrize("digits", [310, 5000])
@pytest.mark.parametrize(
    ("text", "path", "files"),
    [
        (f"input_params: [{{{PARAM}, min: 9}}]", PATH, {}),
        ("model_metrics: {f1: 9}", PATH, {}),
        ("model_metrics: '{\"f1\": 9}'", PATH, {}),
        ("apis: [{input_params: {x: 9}}]", PATH, {}),
        ("extra: {x: [9]}", PATH, {}),
        ("initial_config: {port: 9}", PATH, {}),
        ("initial_config_file: c.json", PATH, {"models.d/vision/c.json": '{"port": 9}'}),
        ('{"model_metrics": {"f1": 9}, ', "a.json", {}),
    ],
)  # fmt: skip
def test_a_number_that_no_float_can_hold_is_refused(
    digits: int, text: str, path: str, files: dict[str, str]
) -> None:
    """Wherever a number may stand; never a traceback."""
    number = "9" * digits
    beside = {name: content.replace("9", number).encode() for name, content in files.items()}
    fields = ", ".join(
        f'"{key}": "{value}"' for key, value in (row.split(": ") for row in MINIMAL.splitlines())
    )
    written = text.replace("9", number)
    whole = f"{written}{fields}}}" if path.endswith(".json") else f"{MINIMAL}{written}\n"
    errors = [reason for reason in invalid(whole, path, beside).reasons if reason.severity == "error"]
    assert len(errors) == 1
    assert "number" in errors[0].message
    assert number not in errors[0].message


def test_exactly_the_largest_file_is_read() -> None:
    """One byte more is not, and the message names both sizes."""
    text = MINIMAL + "#" * (256 * KIB - len(MINIMAL))
    assert isinstance(results(text)[0], Manifest)
    reason = only_reason(text + "#")
    assert (reason.code, reason.line) == ("file-too-large", None)
    assert "262,145 bytes" in reason.message
    assert "256 KiB" in reason.message


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_nesting_has_a_limit(path: str) -> None:
    """32 levels are read, the next is pointed at."""
    deepest = f'{{"metadata": {"[" * 31}{"]" * 31}}}'
    assert "too-deep" not in {reason.code for reason in invalid(deepest, path).reasons}
    reason = only_reason(deepest.replace("[]", "[[]]"), path)
    assert (reason.code, place(reason)) == ("too-deep", "1:45")


def test_documents_have_a_limit() -> None:
    """A hundred are read."""
    assert len(results(f"---\n{MINIMAL}" * 100)) == 100
    assert only_reason(f"---\n{MINIMAL}" * 101).code == "too-many-documents"


@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_keys_and_values_have_a_limit(path: str) -> None:
    """Twenty thousand in a file."""
    assert only_reason(f'{{"metadata": [{"0," * 20_000}0]}}', path).code == "too-many-nodes"


BOMBS = {
    "brackets": "[" * 250 * KIB,
    "braces": "{" * 250 * KIB,
    "both": '[{"a":' * 40 * KIB,
    "dashes": "- " * 125 * KIB,
    "questions": "? " * 125 * KIB,
    "keys": "a:\n" * 80 * KIB,
    "double quotes": '"' * 250 * KIB,
    "single quotes": "'" * 250 * KIB,
    "escaped quotes": '"' + '\\"' * 120 * KIB,
    "open strings": '{"' * 120 * KIB,
    "indentation": "\n".join(f"{' ' * n}a:" for n in range(600)),
    "items": "[" + "a,\n" * 80 * KIB,
    "anchors": "&a " * 80 * KIB,
    "tags": "!" * 250 * KIB,
    "percents": "%" * 250 * KIB,
    "comments": "#\n" * 125 * KIB,
    "breaks": "\n" * 250 * KIB,
    "blanks": " " * 250 * KIB,
    "documents": "---\n" * 60 * KIB,
    "one word": "a" * 250 * KIB,
    "digits": "1" * 250 * KIB,
    "a block": ">\n" + "\n" * 250 * KIB,
    "huge": "a: b\n" * 2 * KIB * KIB,
    "aliases": "a: &a [x]\n" + "".join(f"{c}: &{c} [{'*' + chr(ord(c) - 1) + ','} ]\n" for c in "bcdefghij"),
    "many aliases": "a: &a x\nb: [" + "*a, " * 60 * KIB + "]",
    "many unknown fields": "".join(f"modell_nam{n}: 1\n" for n in range(9000)),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("path", ["a.yaml", "a.json"])
def test_a_hostile_file_is_refused_with_few_reasons(name: str, path: str) -> None:
    """No crash, no exception, no flood of reasons, and no wait that this test would not survive."""
    refusals = results(BOMBS[name], path)
    assert refusals
    assert all(isinstance(one, InvalidManifest) and 0 < len(one.reasons) <= 101 for one in refusals)


@pytest.mark.parametrize("loader", [LOADER, yaml.SafeLoader])
def test_the_slower_parser_gives_the_same_documents(loader: type) -> None:
    """Where PyYAML was built without libyaml, nothing but the speed changes."""
    builder = Builder()
    read_yaml(Text(f"%YAML 1.1\n---\n{MINIMAL}a: [&x 1, '2', !t {{b: ~}}]\n---\n甲: 世\n"), builder, loader)
    first, second = builder.documents
    assert first.value["a"] == ["1", "2", {"b": None}]
    assert [flaw.code for flaw in first.flaws] == ["directive", "anchor", "tag"]
    assert (second.value, second.index(("甲",))) == ({"甲": "世"}, first.index(("a", 2, "b")) + 11)
    with pytest.raises(UnreadableFile, match="not YAML"):
        read_yaml(Text("a: [\n"), Builder(), loader)
    with pytest.raises(UnreadableFile, match="deeper than 32"):
        read_yaml(Text("[" * 100_000), Builder(), loader)


def test_a_reason_always_names_the_file() -> None:
    """So that a list of reasons of many files can be read."""
    texts = ("", "[", "\x00", f"{MINIMAL}x: 1\n", "a: *b")
    reasons: list[Reason] = [reason for text in texts for reason in invalid(text).reasons]
    assert {reason.path for reason in reasons} == {PATH}
