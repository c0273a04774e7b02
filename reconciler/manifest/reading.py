"""One file: what each of its documents declares, and which pair each one names.

A file's history has contents of all ages, valid or not, and only two questions to them: which documents they
hold, and which of these name a pair. For these nothing is judged, and no document depends on its neighbours.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from reconciler.contract.model_key import ModelKey
from reconciler.manifest.document import accept, claimed, interpret
from reconciler.manifest.fast_parser import NotSimple, read_quickly
from reconciler.manifest.json_text import read_json
from reconciler.manifest.nodes import WORDS, Builder, Document
from reconciler.manifest.text import Issue, Text, UnreadableFile, conflict_or, decode, decode_leniently
from reconciler.manifest.values import (
    InvalidManifest,
    Manifest,
    ReasonLimits,
    reasons_of,
    trimmed,
    with_reasons,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from reconciler.contract import Edition

_EMPTY = Issue("empty-file", "the file declares nothing: it is empty, or has only comments; write a manifest")


def read(
    path: str,
    data: bytes,
    rules: Edition,
    sibling: Callable[[str], bytes | None],
    limits: ReasonLimits = ReasonLimits(),  # noqa: B008 - a constant
) -> tuple[Manifest | InvalidManifest, ...]:
    """What a manifest file declares: one result for each of its documents, at least one in all.

    Documents without content are skipped. A file that is empty, cannot be parsed or is over a limit is one
    InvalidManifest at line 1. Never raises for what is in the file, but what `sibling` raises.

    Args:
        path: the file's path inside the repository; `.json` in any case is read as JSON, all else as YAML.
        data: the file's bytes.
        rules: the edition that judges.
        sibling: the bytes of a file of the same commit by its path inside the repository, or None where
            there is no such file; asked only for an `initial_config_file`.
        limits: how much is told of what is wrong with it.
    """
    return tuple(_trimmed(_results(path, data, rules, sibling), limits))


def _trimmed(
    results: Iterable[Manifest | InvalidManifest], limits: ReasonLimits
) -> Iterator[Manifest | InvalidManifest]:
    left = limits.problems
    for result in results:
        reasons = reasons_of(result)
        yield with_reasons(result, trimmed(reasons, left, limits.longest)) if reasons else result
        left = max(left - len(reasons), 0)


def _results(
    path: str, data: bytes, rules: Edition, sibling: Callable[[str], bytes | None]
) -> tuple[Manifest | InvalidManifest, ...]:
    """The same with every problem."""
    text, builder = None, Builder()
    try:
        text = decode(data, path, json=is_json(path))
        manifests = _quickly(text, rules)
        if manifests is not None:
            return manifests
        parser(path)(text, builder)
    except UnreadableFile as error:
        issue = conflict_or(error.issue, text)
        return (_unreadable(text or decode_leniently(data, path), issue, builder),)
    written = [document for document in builder.documents if document.value is not None or document.flaws]
    broken = _EMPTY if not written else _conflict(text, written)
    if broken is not None:
        return (_unreadable(text, broken, builder),)
    return tuple(interpret(text, document, rules, sibling) for document in written)


def _quickly(text: Text, rules: Edition) -> tuple[Manifest, ...] | None:
    """The manifests of a file in which there is nothing to tell of and nothing unusual, else None."""
    try:
        written = read_quickly(text.characters, is_json=is_json(text.path))
        return tuple(accept(text.path, line, value, rules) for value, line in written)
    except NotSimple:
        return None


def _conflict(text: Text, documents: list[Document]) -> Issue | None:
    """Conflict markers that happen to be YAML, such as one that is a whole document, or None."""
    if all(isinstance(document.value, dict) and not document.flaws for document in documents):
        return None
    issue = conflict_or(_EMPTY, text)
    return None if issue is _EMPTY else issue


def is_json(path: str) -> bool:
    """Whether a file of this name is read as JSON."""
    return path.lower().endswith(".json")


def parser(path: str) -> Callable[[Text, Builder], None]:
    """What pushes the documents of a text into a builder. It raises UnreadableFile."""
    if is_json(path):
        return read_json
    from reconciler.manifest.yaml_text import read_yaml  # noqa: PLC0415 - with PyYAML, which few files need

    return read_yaml


def _unreadable(text: Text, issue: Issue, builder: Builder) -> InvalidManifest:
    """The whole file as one result; it bears a name when the file is about one model, as far as read."""
    name, version = (None, None) if builder.documents else claimed(builder.unfinished)
    return InvalidManifest(text.path, 1, (text.reason_of(issue),), name, version)


# --- enough to compare two commits ----------------------------------------------------------------------

_MARKER = re.compile(rb"(?:\A|(?<=[\r\n]))---(?=[ \t\r\n]|\Z)")
_BREAK = re.compile(rb"\r\n|\r|\n")
_SAYS_NOTHING = re.compile(rb"(?:---)?(?:[ \t]*(?:[#%][^\r\n]*|\.\.\.|~|null)?(?:[\r\n]|\Z))*")
_BOM = b"\xef\xbb\xbf"
_NAME = b"model_name"

_VALUE = (
    r"(?:\"([^\"\\\r\n]{1,256})\"|'([^'\r\n]{1,256})'|([A-Za-z0-9_][A-Za-z0-9_./+-]{0,255}))"
    r"[ \t]*(?:(?<=[ \t])#[^\r\n]*)?\r?$"
)
_YAML = {key: re.compile(rf"^{key}:[ \t]+{_VALUE}", re.MULTILINE) for key in ("model_name", "model_version")}
_JSON = {key: re.compile(rf'"{key}"\s*:\s*"([^"\\]{1, 256})"') for key in _YAML}


class Section(NamedTuple):
    """One document of a file.

    Attributes:
        line: 1-based line where its text begins, comments before it included.
        text: its bytes, without the marker before it and the blanks around it.
    """

    line: int
    text: bytes


def sections(path: str, data: bytes) -> tuple[Section, ...]:
    """The documents of a file as they stand in it, at least one; what is only comments goes with the next."""
    data = data.removeprefix(_BOM)
    starts = [] if is_json(path) else [marker.start() for marker in _MARKER.finditer(data)]
    if not starts:
        return (Section(1, data.strip()),)
    edges = [0, *filter(None, starts), len(data)]
    spans: list[tuple[int, int]] = []
    begin = 0
    for start, end in pairwise(edges):
        if _SAYS_NOTHING.fullmatch(data, start, end) is None:
            spans.append((begin, end))
            begin = end
    last = spans.pop()[0] if spans else 0
    return tuple(_section(data, *span) for span in [*spans, (last, len(data))])


def claim(path: str, text: bytes) -> ModelKey | None:
    """The model name and version that a document names, or None when it names none that can be read."""
    characters = text.decode(errors="replace")
    patterns = _JSON if is_json(path) else _YAML
    quick = [_only(characters, key, pattern) for key, pattern in patterns.items()]
    name, version = quick if None not in quick else _carefully(path, characters)
    return ModelKey(name, version) if name and version else None


def claims(path: str, data: bytes) -> set[ModelKey]:
    """The pairs that the documents of a file name."""
    if _NAME not in data and b"\\" not in data:  # a key may be written with escapes
        return set()
    return {pair for one in sections(path, data) if (pair := claim(path, one.text)) is not None}


def _section(data: bytes, begin: int, end: int) -> Section:
    text = data[begin:end].removeprefix(b"---").strip()
    return Section(1 + len(_BREAK.findall(data, 0, begin)), text)


def _only(characters: str, key: str, pattern: re.Pattern[str]) -> str | None:
    """The value of a key that stands once in the text and is written plainly."""
    if characters.count(key) != 1 or (match := pattern.search(characters)) is None:
        return None
    value = next(filter(None, match.groups()))
    return None if value in WORDS else value


def _carefully(path: str, characters: str) -> tuple[str | None, str | None]:
    """What a parser says, also of a document that it cannot read to its end."""
    builder = Builder()
    try:
        parser(path)(Text(characters), builder)
    except UnreadableFile:
        return claimed(builder.unfinished if not builder.documents else builder.documents[0].value)
    values = (document.value for document in builder.documents if document.value is not None)
    return claimed(next(values, None))
