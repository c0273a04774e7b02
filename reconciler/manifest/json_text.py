"""JSON text to a document: the standard library judges, and a flat scan for tokens gives the places.

A number stays text as it is written (`UnquotedScalar`), so that `1.10` in a text field is `1.10`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from reconciler.manifest.nodes import DEEPEST, too_deep
from reconciler.manifest.text import Text, UnreadableFile

if TYPE_CHECKING:
    from reconciler.manifest.nodes import Builder

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[][{}]|[^][{}",:\s]++', re.DOTALL)

_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})
"""What the library takes for numbers, and JSON does not."""


def read_json(text: Text, builder: Builder) -> None:
    """Pushes the one document of a JSON text into `builder`; nothing, when the text is blank.

    Raises:
        UnreadableFile: not JSON, or over a limit.
    """
    if not text.characters.strip(" \t\r\n"):
        return
    _refuse_depth(text.characters)
    _judge(text.characters)
    builder.begin_document(0)
    for token in _TOKEN.finditer(text.characters):
        _push(builder, token[0], token.start())
    builder.end_document()


def _push(builder: Builder, token: str, index: int) -> None:
    match token[0]:
        case "{":
            builder.begin({}, index)
        case "[":
            builder.begin([], index)
        case "}" | "]":
            builder.end()
        case '"':
            builder.scalar(json.loads(token) if "\\" in token else token[1:-1], index, plain=False)
        case "N" | "I" | "-" if token in _CONSTANTS:
            raise UnreadableFile("syntax", f"not JSON: {token} is not a number of JSON", index)
        case _:
            builder.scalar(token, index, plain=True)


def _refuse_depth(characters: str) -> None:
    """The library's parser recurses, so depth is counted before it is asked."""
    depth = 0
    for token in _TOKEN.finditer(characters):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > DEEPEST:
            raise too_deep(token.start())


def _judge(characters: str) -> None:
    try:
        json.loads(characters, parse_int=str, parse_float=str, parse_constant=str)
    except json.JSONDecodeError as error:
        message = error.msg.removesuffix(" at").removesuffix(" starting")
        raise UnreadableFile("syntax", f"not JSON: {message}{_hint(characters, error)}", error.pos) from None


def _hint(characters: str, error: json.JSONDecodeError) -> str:
    character, before = characters[error.pos : error.pos + 1], characters[: error.pos].rstrip()[-1:]
    if error.msg.startswith("Invalid control character"):
        return "; write \\n or \\t in a string for a line break or a tab"
    if character in ("#", "/"):
        return "; JSON has no comments"
    if before == "," and character in ("}", "]"):
        return f"; remove the comma before {character}"
    return ""
