r"""Texts as the database holds them, and back.

Git's paths may hold bytes that are not UTF-8 (as lone surrogates) and no database takes those, nor PostgreSQL
a NUL: they are stored as `\udcff`, and a backslash as two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNSTORABLE = re.compile(r"[\\\x00\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")


def stored_text(text: str) -> str:
    """One text as it is stored."""
    return _UNSTORABLE.sub(_escape, text)


def plain_text(text: str) -> str:
    """The text of which `stored_text` made this one."""
    return _ESCAPE.sub(_unescape, text)


def _escape(match: re.Match[str]) -> str:
    return "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}"


def _unescape(match: re.Match[str]) -> str:
    return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))


def stored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row with its texts as the database holds them."""
    if _is_storable("".join([value for value in row if type(value) is str])):
        return row
    return tuple(stored_text(value) if type(value) is str else value for value in row)


def all_stored(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Many rows as `stored` makes each of them: looked at column by column, in less time."""
    is_storable = all(_is_storable(_joined(column)) for column in zip(*rows, strict=True))
    return rows if is_storable else list(map(stored, rows))


def _is_storable(text: str) -> bool:
    """Whether a text is held as it is; most are plain ASCII, which is quickly seen."""
    if text.isascii() and "\\" not in text and "\0" not in text:
        return True
    return _UNSTORABLE.search(text) is None


def plain(row: Sequence[Any]) -> Sequence[Any]:
    """The row of which `stored` made this one."""
    if "\\" not in "".join([value for value in row if type(value) is str]):
        return row
    return [plain_text(value) if type(value) is str else value for value in row]


def all_plain(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Many rows as `plain` makes each of them: looked at column by column, in less time."""
    is_plain = not any("\\" in _joined(column) for column in zip(*rows, strict=True))
    return rows if is_plain else list(map(plain, rows))


def _joined(column: Sequence[Any]) -> str:
    try:
        return "".join(filter(None, column))
    except TypeError:  # of numbers
        return "".join([value for value in column if type(value) is str])
