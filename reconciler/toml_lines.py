"""On which line of a TOML file each key stands, which the standard library's parser does not tell.

Comes in: the text of a file that `reconciler.toml_file` has read, so that its grammar is right. Goes out: the
line of every key and every table, by its path.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KeyPath = tuple[str | int, ...]
"""Keys from the top down; the elements of a list are counted from 0."""

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t\r]++|\#[^\n]*+)
    | (?P<text>"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5} | '{3}(?:[^']|'{1,2}(?!'))*+'{3,5}
        | "(?:[^"\\\n]|\\.)*+" | '[^'\n]*+')
    | (?P<mark>[\[\]{}=.,\n])
    | (?P<bare>[^\s"'\#\[\]{}=.,]++)
    """,
    re.VERBOSE | re.DOTALL,
)
_END = ("\n", 0)
_AFTER_A_SCALAR = frozenset({",", "]", "}", "\n"})


def key_lines(file: Path) -> dict[KeyPath, int]:
    """The line of every key of a file, counted from 1; none where the file cannot be read any more."""
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}
    reader = _LineReader(text)
    with suppress(IndexError, RecursionError, ValueError):  # changed meanwhile: the lines before are right
        reader.read()
    return reader.lines


def line_of(lines: dict[KeyPath, int], keys: Sequence[str | int]) -> int | None:
    """The line of these keys, or of the innermost table around them that is written out."""
    for count in range(len(keys), 0, -1):
        if (line := lines.get(tuple(keys[:count]))) is not None:
            return line
    return None


def placed(file: Path, lines: dict[KeyPath, int], keys: Sequence[str | int]) -> str:
    """`FILE:LINE` of these keys; the file alone where no line is known."""
    line = line_of(lines, keys)
    return f"{file}:{line}" if line else str(file)


class _LineReader:
    """Goes through the tokens once; a table of a list of tables is its latest one."""

    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._tokens = _tokens(text)
        self._at = 0
        self._tables: Counter[KeyPath] = Counter()

    def read(self) -> None:
        table: KeyPath = ()
        while self._at < len(self._tokens):
            if self._next == "\n":
                self._at += 1
            elif self._next == "[":
                table = self._header()
            else:
                self._pair(table)

    @property
    def _next(self) -> str:
        return self._peek()[0]

    def _peek(self) -> tuple[str, int]:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _header(self) -> KeyPath:
        """`[a.b]` or `[[a.b]]`: the path of the table that begins."""
        line = self._peek()[1]
        self._at += 1
        several = self._next == "["
        self._at += several
        *outer, last = self._key()
        path: KeyPath = ()
        for step in outer:
            self.lines.setdefault((*path, step), line)
            path = self._latest((*path, step))
        path = (*path, last)
        if several:
            self._tables[path] += 1
            self.lines.setdefault(path, line)
        path = self._latest(path)
        self.lines.setdefault(path, line)
        self._at += 1 + several
        return path

    def _latest(self, path: KeyPath) -> KeyPath:
        return (*path, self._tables[path] - 1) if path in self._tables else path

    def _pair(self, table: KeyPath) -> None:
        line = self._peek()[1]
        path = table
        for step in self._key():
            path = (*path, step)
            self.lines.setdefault(path, line)
        self._at += 1  # the equals sign
        self._value(path)

    def _key(self) -> list[str]:
        """The parts of a dotted key."""
        steps = [self._part()]
        while self._next == ".":
            self._at += 1
            steps.append(self._part())
        return steps

    def _part(self) -> str:
        token = self._tokens[self._at][0]
        self._at += 1
        return str(tomllib.loads(f"key = {token}")["key"]) if token[0] in "\"'" else token

    def _value(self, path: KeyPath) -> None:
        if self._next == "[":
            self._list(path)
        elif self._next == "{":
            self._inline_table(path)
        else:
            while self._next not in _AFTER_A_SCALAR:
                self._at += 1

    def _list(self, path: KeyPath) -> None:
        self._at += 1
        number = 0
        while self._next != "]":
            if self._tokens[self._at][0] in (",", "\n"):
                self._at += 1
                continue
            element = (*path, number)
            self.lines.setdefault(element, self._peek()[1])
            self._value(element)
            number += 1
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        while self._next != "}":
            if self._tokens[self._at][0] in (",", "\n"):
                self._at += 1
            else:
                self._pair(path)
        self._at += 1


def _tokens(text: str) -> list[tuple[str, int]]:
    """Every token but blanks and comments, with its line."""
    tokens, line = [], 1
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "blank":
            tokens.append((match[0], line))
        line += match[0].count("\n")
    return tokens
