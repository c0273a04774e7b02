"""The documents of a file as text, and the pair that each one names: enough to compare two commits.

A file's history has contents of all ages, valid or not, and only two questions to them: which documents they
hold, and which of these name a pair. So nothing is judged here, and no document depends on its neighbours.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

from reconciler.contract.model_key import ModelKey
from reconciler.manifest.document import claimed
from reconciler.manifest.nodes import WORDS, Builder
from reconciler.manifest.reading import is_json, parser
from reconciler.manifest.text import Text, UnreadableFile

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
