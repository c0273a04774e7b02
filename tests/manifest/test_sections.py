"""The documents of a file as text, and the pair that each names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.contract import edition
from reconciler.contract.model_key import ModelKey
from reconciler.manifest import Manifest, read
from reconciler.manifest.reading import claim, sections

A = b"model_name: a\nmodel_version: 1.10\n"
B = b"# of b\nmodel_name: \"b\"  # quoted\nmodel_version: '2.0'\n"


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (A, [1]),
        (b"\xef\xbb\xbf" + A, [1]),
        (b"---\n" + A, [1]),
        (A + b"---\n" + B, [1, 3]),
        (A + b"--- # the next\r\n" + B + b"...\n", [1, 3]),
        (b"# licence\n---\n" + A + b"---\n# nothing more\n", [1]),
        (b"%YAML 1.2\n---\n" + A + b"---\n~\n---\n" + B, [1, 5]),
        (b"", [1]),
        (b"---\n---\n", [1]),
        (A + b"note: |\n  ---\n  text\n", [1]),
        (A.replace(b"\n", b"\r") + b"---\r" + B, [1, 3]),
    ],
)
def test_a_file_is_parted_where_a_document_begins(text: bytes, lines: list[int]) -> None:
    """Parts that are only comments belong to a document beside them."""
    assert [section.line for section in sections("a.yaml", text)] == lines
    assert [section.line for section in sections("a.json", text)] == [1]


@pytest.mark.parametrize(
    ("path", "text", "pair"),
    [
        ("a.yaml", A, ModelKey("a", "1.10")),
        ("a.yaml", B, ModelKey("b", "2.0")),
        ("a.yaml", A.replace(b"\n", b"\r\n"), ModelKey("a", "1.10")),
        ("a.yaml", b'model_name: "\\x61"\nmodel_version: >-\n  1.0\n', ModelKey("a", "1.0")),
        ("a.yaml", b"{model_name: a, model_version: 1.0}", ModelKey("a", "1.0")),
        ("a.yaml", A + b"x: [\n", ModelKey("a", "1.10")),
        ("a.yaml", A + b"note: this model_name is odd\n", ModelKey("a", "1.10")),
        ("a.yaml", b"model_name: null\nmodel_version: 1.0\n", None),
        ("a.yaml", b"model_name: a\n", None),
        ("a.yaml", b"\xff\xfe", None),
        ("a.json", b'{"model_name": "a", "model_version": "1.0"}', ModelKey("a", "1.0")),
        ("a.json", b'{"model_name": "\\u0061", "model_version": 1.0}', ModelKey("a", "1.0")),
        ("a.json", b"[", None),
    ],
)
def test_a_document_names_its_pair(path: str, text: bytes, pair: ModelKey | None) -> None:
    """However it is written, and also where the rest of it cannot be read."""
    assert claim(path, text) == pair


@given(st.binary(max_size=200), st.sampled_from(["a.yaml", "a.json"]))
def test_any_bytes_are_taken_apart(data: bytes, path: str) -> None:
    """Contents of all ages come by; none makes this fall over."""
    parts = sections(path, data)
    assert parts
    assert [section.line for section in parts] == sorted({section.line for section in parts})
    for section in parts:
        claim(path, section.text)


def test_the_manifests_of_a_file_stand_in_its_sections() -> None:
    """The same number, the same pairs, and each begins in its own part."""
    more = b"model_type: TensorFlow\nsource_location: https://m.obs.example.com/a\n"
    one, two = A.replace(b"1.10", b"1.1.0"), B.replace(b"2.0", b"2.0.0")
    text = b"# all\n---\n" + one + more + b"---\n# b\n\n" + two + more + b"---\n"
    manifests = read("a.yaml", text, edition("seed-2019"), lambda _: None)
    parts = sections("a.yaml", text)
    assert [one.pair for one in manifests if isinstance(one, Manifest)] == [
        claim("a.yaml", section.text) for section in parts
    ]
    assert [max(s.line for s in parts if s.line <= one.line) for one in manifests] == [s.line for s in parts]
