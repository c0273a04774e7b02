"""Text of any characters, as every database can hold it: a column's type, and the same for whole rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Dialect

_UNSTORABLE = re.compile(r"[\\\x00\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")


class AnyText(TypeDecorator[str]):
    r"""Text of any characters, back as it went in.

    Git's paths may hold bytes that are not UTF-8 (as lone surrogates) and no database takes those, nor
    PostgreSQL a NUL: they are stored as `\udcff`, and a backslash as two.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else _UNSTORABLE.sub(_escape, value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else _ESCAPE.sub(_unescape, value)


def _escape(match: re.Match[str]) -> str:
    return "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}"


def _unescape(match: re.Match[str]) -> str:
    return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))


def stored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row with its texts as the columns of kind AnyText hold them."""
    if _is_storable("".join([value for value in row if type(value) is str])):
        return row
    return tuple(_UNSTORABLE.sub(_escape, value) if type(value) is str else value for value in row)


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
    return [_ESCAPE.sub(_unescape, value) if type(value) is str else value for value in row]


def all_plain(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Many rows as `plain` makes each of them: looked at column by column, in less time."""
    is_plain = not any("\\" in _joined(column) for column in zip(*rows, strict=True))
    return rows if is_plain else list(map(plain, rows))


def _joined(column: Sequence[Any]) -> str:
    try:
        return "".join(filter(None, column))
    except TypeError:  # of numbers
        return "".join([value for value in column if type(value) is str])
