"""The one way in which text from outside reaches an output: every character is visible, or an escape."""

from __future__ import annotations

import re
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_UNUSUAL = re.compile(r"[^\x20-\x7e]")
_UNUSUAL_RUN = re.compile(r"[^\x00-\x7e]+")
_UNDECODABLE = range(0xDC80, 0xDD00)
_COMMAND = re.compile(r"^[^\S\n]*(?=::)|##\w*(?=\[)", re.MULTILINE)
"""What begins a command to a runner of pipelines: `::error::` at the beginning of a line, `##[error]` in it
(actions/runner, `ActionCommand.TryParseV2` and `TryParse`), and `##vso[task.complete]` (Azure Pipelines)."""
_BRACKETED = re.compile(r"(##\w*)\[")


def printable(text: str) -> str:
    r"""One line in which everything is visible.

    Control, format (bidirectional overrides, zero-width, tags) and separator characters and lone surrogates
    become escapes such as `\n`, `\x1b` and `\u202e`; a byte of a path that is not UTF-8 becomes `\xff`. The
    result can be printed to any terminal and encoded as UTF-8.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNUSUAL.sub(lambda match: _visible(match[0]), text)


def one_line(text: str, limit: int) -> str:
    """At most `limit` characters on one line, each run of what is hidden or blank as one space."""
    visible = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text[: limit * 4])
    line = " ".join(visible.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def escape_json(document: str) -> str:
    r"""The same JSON document with all that `printable` hides written as `\uXXXX`.

    Takes what `json.dumps(…, ensure_ascii=False)` gives: line breaks between tokens stay, and readers get
    exactly the strings they would have got.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return _UNUSUAL_RUN.sub(_run_escaped, document)


def command_places(text: str) -> list[int]:
    """Where in a text a backslash keeps a runner of pipelines from obeying it."""
    return [match.end() for match in _COMMAND.finditer(text)] if "::" in text or "##" in text else []


def inert(text: str) -> str:
    r"""The same lines, none of which a runner of pipelines takes for a command: `\::error::`, `##\[error]`.

    What a manifest, a commit or a registry says reaches the log of a job, where such a line would stop
    commands, end groups or show a forged error.
    """
    if not (places := command_places(text)):
        return text
    ends = [*places, len(text)]
    return text[: ends[0]] + "".join(f"\\{text[i:j]}" for i, j in zip(places, ends[1:], strict=True))


def inert_json(document: str) -> str:
    r"""The same JSON document without such a command; in a string, `[` is written as `\u005b`."""
    return _BRACKETED.sub(r"\1\\u005b", document) if "##" in document else document


def width(text: str) -> int:
    """How many terminal cells `text` takes: two for wide East Asian characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def pad(text: str, cells: int) -> str:
    """`text` followed by spaces up to that many terminal cells."""
    return text + " " * (cells - width(text))


def is_hidden(character: str) -> bool:
    """Whether a character acts or hides instead of showing itself."""
    return unicodedata.category(character) in _HIDDEN


def _visible(character: str) -> str:
    if not is_hidden(character):
        return character
    if character in _NAMED:
        return _NAMED[character]
    code = ord(character)
    if code in _UNDECODABLE:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:  # noqa: PLR2004 - the end of ASCII
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the end of the basic plane


def _run_escaped(match: re.Match[str]) -> str:
    run = match[0]
    if run.isprintable():
        return run
    return "".join(_json_escape(c) if is_hidden(c) else c for c in run)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
