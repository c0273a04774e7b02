"""The quick way through a file: the plain part of YAML and JSON that most manifests are written in.

Everything outside of that part, and everything that might be wrong, is left to the careful way (`yaml_text`,
`json_text`, `nodes`), which knows all of both languages and where everything stands. So this reader may give
up wherever it likes, and must never read anything otherwise than the careful one.

Of YAML it knows block mappings and lists in spaces, flow mappings and lists, plain and quoted scalars, each
of them within a line, comments, and `---` between documents; and what `_on_one_line` can put on one line.
"""

from __future__ import annotations

import json
import re
from sys import intern
from typing import Any

from reconciler.contract.json_values import UnquotedScalar
from reconciler.manifest.nodes import DEEPEST, MOST_DOCUMENTS, MOST_NODES, WORDS
from reconciler.manifest.text import unusable_escape

_DEEPEST = DEEPEST // 3
"""Of block mappings, and of flow mappings and lists, so that both together stay below the limit."""

_LONGEST = MOST_NODES // 4
"""Characters of a text that cannot have too many nodes."""

_KEY = r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}+"
_FIRST = r"-?[^\s\-?:,\[\]{}#&*!|>'\"%@`]"
_BLOCK_PLAIN = rf"{_FIRST}[^\s:#]*+(?:(?::| ++)[^\s:#]++)*+"
"""A plain scalar within a line, outside of flow mappings and lists; and how any of them begins."""

_FLOW_PLAIN = rf"{_FIRST}[^\s:#,?\[\]{{}}]*+(?:(?::| ++)[^\s:#,?\[\]{{}}]++)*+"
_ESCAPE = r"\\(?:[\"\\/nrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})"
"""Those that YAML and JSON have in common, without halves of surrogate pairs, which YAML refuses."""
_QUOTED = rf"\"(?:[^\"\\\t\r\n]++|{_ESCAPE})*+\"|'(?:[^'\t\r\n]++|'')*+'"

_LINE = re.compile(
    rf"^( *+)(- ++)?(?:({_KEY}):(?= |$) *+)?"
    rf"(?:({_BLOCK_PLAIN})|({_QUOTED}|[\[{{][^#\t\r\n]*[\]}}]))?"
    r" *+(?:(?<![^ \n])#[^\r\n]*+)?$|^(.+)$",
    re.MULTILINE,
)
"""A line: indentation, dash, key, plain scalar, other value; or, alone, what is not of the plain part."""

_MEMBER = re.compile(
    rf" *+(?:({_KEY}): ++)?(?:({_FLOW_PLAIN})|({_QUOTED}|\[\]|\{{\}}|[\[{{]))((?: *+[\]}}])*+ *+,?+)|(.)"
)
"""A part of a flow mapping or list: key, plain scalar, other value, what comes after; or what is no part."""

_ESCAPED = re.compile(r"\\[ubf]")
"""An escape in JSON that may stand for a character which has no place in text."""

_EMPTY: dict[str, type] = {"{": dict, "{}": dict, "[": list, "[]": list}
_CLOSED: dict[str, type] = {"}": dict, "]": list}


class NotSimple(Exception):  # noqa: N818 - no error, and never leaves this room
    """This is not of the plain part, or may be wrong: ask the careful way."""


def read_quickly(characters: str, *, is_json: bool) -> list[tuple[dict[str, Any], int]]:
    """What each document of a text says, all of them mappings, and the 1-based line where it begins.

    Raises:
        NotSimple: nothing is known of the text, not even that something is wrong with it.
    """
    if len(characters) > _LONGEST:
        raise NotSimple
    return [_json(characters)] if is_json else _yaml(characters)


# --- YAML ----------------------------------------------------------------------------------------------


def _yaml(characters: str) -> list[tuple[dict[str, Any], int]]:
    text = _on_one_line(characters)
    body = text.removeprefix("---\n")
    line = 2 if len(body) < len(text) else 1
    documents, parts = [], body.split("\n---\n")
    if len(parts) > MOST_DOCUMENTS:
        raise NotSimple
    for part in parts:
        lines = _LINE.findall(part)
        value = _block(lines)
        if value:
            before = next(number for number, (_, dash, key, *_) in enumerate(lines) if dash or key)
            documents.append((value, line + before))
        line += len(lines) + 1
    if not documents:
        raise NotSimple
    return documents


_Line = tuple[str, str, str, str, str, str]
"""What `_LINE` finds: indentation, dash, key, plain scalar, other value, what is not of the plain part."""


def _block(lines: list[_Line]) -> dict[str, Any]:
    """What the lines of a document say; an empty mapping when they say nothing."""
    opened: list[_Opened] = []
    innermost: Any = None
    column, awaited = -1, ""
    for indent, dash, key, plain, other, odd in lines:
        if not (dash or key):
            if plain or other or odd:
                raise NotSimple
            continue
        kind = list if dash else dict
        if len(indent) != column or type(innermost) is not kind:
            column = len(indent)
            innermost = _enter(opened, column, kind, awaited)
        value = _scalar(plain) if plain else _other(other)
        awaited = "" if plain or other else key
        if not dash:
            _add(innermost, key, value)
        elif key:
            column += len(dash)
            innermost.append({key: value})
            innermost = innermost[-1]
            opened.append((column, innermost))
        elif value is None:
            raise NotSimple
        else:
            innermost.append(value)
    return opened[0][1] if opened else {}


_Opened = tuple[int, Any]
"""A mapping or list that is open, and the column where its members stand."""


def _enter(opened: list[_Opened], column: int, kind: type, awaited: str) -> Any:  # noqa: ANN401 - of that kind
    """The mapping or list whose members stand at a column: one that is open, or one that begins here.

    Args:
        opened: what is open, the innermost last; changed.
        column: where the line's key or dash stands.
        kind: what it is a member of.
        awaited: the key of the innermost mapping whose value may begin here, or nothing.
    """
    if not opened and kind is dict:
        opened.append((column, {}))
    while opened:
        level, innermost = opened[-1]
        if level == column and type(innermost) is kind:
            return innermost
        if awaited and (level < column or (level == column and kind is list)) and len(opened) < _DEEPEST:
            innermost[awaited] = kind()
            opened.append((column, innermost[awaited]))
        else:
            opened.pop()
            awaited = ""
    raise NotSimple


def _other(text: str) -> Any:  # noqa: ANN401 - text, a list, a mapping or nothing
    if not text:
        return None
    return _quoted(text) if text[0] in "\"'" else _flow(text)


def _quoted(text: str) -> str:
    if text[0] == "'":
        return text[1:-1].replace("''", "'")
    if "\\" not in text:
        return text[1:-1]
    value: str = json.loads(text)
    if unusable_escape(value) is not None:
        raise NotSimple
    return value


def _flow(text: str) -> Any:  # noqa: ANN401 - a list or a mapping
    """A flow mapping or list from its first bracket to its last."""
    root: Any = {} if text[0] == "{" else []
    opened = [root]
    for key, plain, other, after, odd in _MEMBER.findall(text, 1):
        if odd or not opened:
            raise NotSimple
        value = _scalar(plain) if plain else _EMPTY[other]() if other in _EMPTY else _quoted(other)
        _add(opened[-1], key, value)
        if other in ("{", "["):
            opened.append(value)
            if after or len(opened) > _DEEPEST:
                raise NotSimple
        elif after != ", ":
            _close(opened, after)
    if opened:
        raise NotSimple
    return root


def _add(innermost: Any, key: str, value: object) -> None:  # noqa: ANN401 - a list or a mapping
    if key:
        if type(innermost) is not dict or key in innermost:
            raise NotSimple
        innermost[intern(key)] = value  # the same few in every manifest
    elif type(innermost) is list:
        innermost.append(value)
    else:
        raise NotSimple


def _close(opened: list[Any], after: str) -> None:
    """What stands after a member that is not the last."""
    marks = after.replace(" ", "")
    for mark in marks.removesuffix(","):
        if not opened or type(opened.pop()) is not _CLOSED[mark]:
            raise NotSimple
    if opened and not marks.endswith(","):
        raise NotSimple


def _scalar(plain: str) -> object:
    return WORDS[plain] if plain in WORDS else UnquotedScalar(plain)


# --- YAML of several lines -------------------------------------------------------------------------------
# Block scalars (`|`, `>`, with and without `-`) become text in double quotes; wrapped plain scalars and flow
# mappings and lists are joined; lines end with LF. Empty lines follow, so that all others keep their places.
# What is written in any other way stays as it is, and so is left to the careful way.

_BLOCK_SCALAR = re.compile(
    rf"^( *+(?:- ++)?)({_KEY}: ++)([|>])(-?) *+\n"
    r"(?=( ++)[^ \t\n])((?:(?:\5[^\t\n]*+| *+(?=\n))(?:\n|\Z))++)",
    re.MULTILINE,
)
"""A block scalar that begins with text: before the key, key, style, chomping, indentation, its lines."""

_IS_WRAPPED = re.compile(r"\n ++[^\s\-#](?:[^:\n]++|:(?=[^ \n]))*+(?:\n|\Z)")
"""A line that is indented and has no key: sooner found than what follows."""
_WRAPPED = re.compile(
    rf"^( *+)((?:- ++)?)((?:{_KEY}:(?= |$))?)( *+{_BLOCK_PLAIN})?((?: *+\n\1 ++{_BLOCK_PLAIN}(?= *+$))++)",
    re.MULTILINE,
)
"""A plain scalar of several lines: indentation, dash, key, its first line, the others."""

_INSIDE = r"[^]\[{}#\t\"'\\]*+"
_FLOW = _INSIDE
for _ in range(4):  # deep enough for every field of a manifest
    _FLOW = rf"{_INSIDE}(?:[\[{{]{_FLOW}[\]}}]{_INSIDE})*+"
_FLOW_VALUE = re.compile(rf"^( *+(?:- ++)?{_KEY}: ++)([\[{{]{_FLOW}[\]}}])(?= *+$)", re.MULTILINE)
_NOT_JOINED = re.compile(r"\n(?: *\n|[-.])")
"""An empty line, which is a line break in a scalar, or what may be a marker between documents."""


def _on_one_line(characters: str) -> str:
    """The text with everything on one line of which it is certain here that it means the same there."""
    if "\r" in characters:
        characters = characters.replace("\r\n", "\n")
        if "\r" in characters:
            return characters
    if ": |" in characters or ": >" in characters:
        characters = _BLOCK_SCALAR.sub(_in_quotes, characters)
    if _IS_WRAPPED.search(characters):
        characters = _WRAPPED.sub(_unwrapped, characters)
    if ",\n" in characters or "[\n" in characters or "{\n" in characters:
        characters = _FLOW_VALUE.sub(_joined, characters)
    return characters


def _in_quotes(match: re.Match[str]) -> str:
    before, key, style, chomping, indentation, text = match.groups()
    lines = [line[len(indentation) :] for line in text.split("\n")]
    if len(indentation) <= len(before) or (style == ">" and any(line.startswith(" ") for line in lines)):
        return match[0]
    written = "\n".join(lines)
    value = written.rstrip("\n")
    end = "\n" if len(value) < len(written) and not chomping else ""
    if style == ">":
        value = re.sub(r"\n(\n*)", lambda breaks: breaks[1] or " ", value)
    return f"{before}{key}{json.dumps(value + end, ensure_ascii=False)}" + "\n" * match[0].count("\n")


def _unwrapped(match: re.Match[str]) -> str:
    indentation, dash, key, first, others = match.groups()
    column = len(indentation) + (len(dash) if key else 0)
    lines = others.split("\n")[1:]
    if not (key or (dash and first)) or any(len(line) - len(line.lstrip(" ")) <= column for line in lines):
        return match[0]
    text = " ".join(filter(None, ((first or "").strip(" "), *(line.strip(" ") for line in lines))))
    return f"{indentation}{dash}{key}{' ' if key else ''}{text}" + "\n" * len(lines)


def _joined(match: re.Match[str]) -> str:
    before, flow = match.groups()
    if "\n" not in flow or _NOT_JOINED.search(flow):
        return match[0]
    return before + re.sub(r" *\n *", " ", flow) + "\n" * flow.count("\n")


# --- JSON ----------------------------------------------------------------------------------------------


def _json(characters: str) -> tuple[dict[str, Any], int]:
    if characters.count("{") + characters.count("[") > DEEPEST or _ESCAPED.search(characters):
        raise NotSimple
    before = characters[: characters.find("{")]
    try:
        value = _JSON.decode(characters)
    except json.JSONDecodeError:
        raise NotSimple from None
    if not isinstance(value, dict) or "\r" in before:
        raise NotSimple
    return value, before.count("\n") + 1


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise NotSimple
    return mapping


def _no_number(_word: str) -> None:
    raise NotSimple


_JSON = json.JSONDecoder(
    object_pairs_hook=_mapping,
    parse_int=UnquotedScalar,
    parse_float=UnquotedScalar,
    parse_constant=_no_number,
)
