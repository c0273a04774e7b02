"""What spans several lines of YAML, put on one line with the same meaning, for the quick way.

Block scalars (`|`, `>`, with and without `-`) become text in double quotes; wrapped plain scalars and flow
mappings and lists are joined; lines end with LF. Empty lines follow, so that all others keep their places.
What is written in any other way stays as it is: the quick way does not know it, and leaves the file to the
careful one.
"""

from __future__ import annotations

import json
import re

KEY = r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}+"
FIRST = r"-?[^\s\-?:,\[\]{}#&*!|>'\"%@`]"
BLOCK_PLAIN = rf"{FIRST}[^\s:#]*+(?:(?::| ++)[^\s:#]++)*+"
"""A plain scalar within a line, outside of flow mappings and lists; and how any of them begins."""

_BLOCK_SCALAR = re.compile(
    rf"^( *+(?:- ++)?)({KEY}: ++)([|>])(-?) *+\n"
    r"(?=( ++)[^ \t\n])((?:(?:\5[^\t\n]*+| *+(?=\n))(?:\n|\Z))++)",
    re.MULTILINE,
)
"""A block scalar that begins with text: before the key, key, style, chomping, indentation, its lines."""

_IS_WRAPPED = re.compile(r"\n ++[^\s\-#](?:[^:\n]++|:(?=[^ \n]))*+(?:\n|\Z)")
"""A line that is indented and has no key: sooner found than what follows."""
_WRAPPED = re.compile(
    rf"^( *+)((?:- ++)?)((?:{KEY}:(?= |$))?)( *+{BLOCK_PLAIN})?((?: *+\n\1 ++{BLOCK_PLAIN}(?= *+$))++)",
    re.MULTILINE,
)
"""A plain scalar of several lines: indentation, dash, key, its first line, the others."""

_INSIDE = r"[^]\[{}#\t\"'\\]*+"
_FLOW = _INSIDE
for _ in range(4):  # deep enough for every field of a manifest
    _FLOW = rf"{_INSIDE}(?:[\[{{]{_FLOW}[\]}}]{_INSIDE})*+"
_FLOW_VALUE = re.compile(rf"^( *+(?:- ++)?{KEY}: ++)([\[{{]{_FLOW}[\]}}])(?= *+$)", re.MULTILINE)
_NOT_JOINED = re.compile(r"\n(?: *\n|[-.])")
"""An empty line, which is a line break in a scalar, or what may be a marker between documents."""


def on_one_line(characters: str) -> str:
    """The text with everything on one line of which it is certain here that it means the same there."""
    if "\r" in characters:
        characters = characters.replace("\r\n", "\n")
        if "\r" in characters:
            return characters
    if ": |" in characters or ": >" in characters:
        characters = _BLOCK_SCALAR.sub(_quoted, characters)
    if _IS_WRAPPED.search(characters):
        characters = _WRAPPED.sub(_unwrapped, characters)
    if ",\n" in characters or "[\n" in characters or "{\n" in characters:
        characters = _FLOW_VALUE.sub(_joined, characters)
    return characters


def _quoted(match: re.Match[str]) -> str:
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
