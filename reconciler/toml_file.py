"""Reads a TOML file that anybody may have written, and tells on which line of it each key stands.

It may be a configuration that came with a merge request. The standard library's parser recurses, stumbles
over numbers of any length, and takes quadratic time and memory for a key of very many parts: the last is
refused before, the others are mistakes like any other. It does not tell the lines of keys. Every mistake is
told as `FILE:LINE: …`, or `FILE:LINE:COLUMN: …` where the column is known.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from bisect import bisect_left
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LARGEST = 256 * 1024
"""Bytes of a configuration file."""

_TEXT = re.compile(
    rb"\"{3}.*?(?:\"{3}|\Z)|'{3}.*?(?:'{3}|\Z)|\"(?:[^\"\\\n]++|\\.)*+\"?|'[^'\n]*+'?|#[^\n]*+", re.DOTALL
)
"""Texts and comments, where dots mean nothing; one that does not end is read once."""

_LONG_KEY = re.compile(rb"(?<![^\s.=\"'#,{}\[\]])(?:(?:\"\"|[^\s.=\"'#,{}\[\]]++)[ \t]*+\.[ \t]*+){16}")
"""More parts between dots than any key of this program has."""

_PLACE = re.compile(r"(?P<said>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)")
"""How the library's parser says where a mistake is."""


def read_toml(file: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigurationError: it cannot be read, is too large, or is not TOML; the message begins with the file
            and, where it is about its text, the line.
    """
    data = _bytes(file).removeprefix(codecs.BOM_UTF8)  # some editors of Windows write one
    if long := _LONG_KEY.search(_TEXT.sub(_blanked, data)):
        line = _line_at(data, long.start())
        raise ConfigurationError(f"{file}:{line}: a key of more than 16 parts is no key of this program")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ConfigurationError(f"{file}: the file is UTF-16; save it as UTF-8") from None
        raise ConfigurationError(f"{file}:{_line_at(data, error.start)}: not UTF-8 text") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(_syntax(file, text, str(error))) from None
    except (RecursionError, ValueError, OverflowError) as error:
        what = (
            "nested too deeply" if isinstance(error, RecursionError) else "a number or a date that cannot be"
        )
        raise ConfigurationError(f"{file}:{_fatal_line(text)}: not valid TOML: {what}") from None


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{str(file)!r}: is not the name of a file") from None
    if len(data) > LARGEST:
        raise ConfigurationError(
            f"{file}: larger than {LARGEST // 1024} KiB; a configuration is a page or two"
        )
    return data


def _blanked(text: re.Match[bytes]) -> bytes:
    """An empty text of the same length, so that what follows keeps its place."""
    return b'""' + b" " * (len(text[0]) - 2)


def _line_at(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1


def _syntax(file: Path, text: str, said: str) -> str:
    match = _PLACE.fullmatch(said)
    if match is None:
        return f"{file}: not valid TOML: {said}"
    if match["line"] is None:
        return f"{file}:{text.count(chr(10)) + 1}: not valid TOML: {match['said']}, and the file ends there"
    return f"{file}:{match['line']}:{match['column']}: not valid TOML: {match['said']}"


def _fatal_line(text: str) -> int:
    """The first line with which the parser fails for another reason than its grammar.

    It reads from the beginning, so that whatever it stumbles over lies in the last line of the shortest
    beginning that it stumbles over.
    """
    lines = text.splitlines(keepends=True)
    return bisect_left(range(1, len(lines)), True, key=lambda count: _is_fatal("".join(lines[:count]))) + 1


def _is_fatal(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    except (RecursionError, ValueError, OverflowError):
        return True
    return False


# --- lines of keys ----------------------------------------------------------------------------------------

KeyPath = tuple[str | int, ...]
"""Keys from the top down; the elements of a list are counted from 0."""

_LEXEME = r"""
      (?P<blank>[ \t\r]++|\#[^\n]*+)
    | (?P<text>"{3}(?:[^"\\]|\\.|"{1,2}(?!"))*+"{3,5} | '{3}(?:[^']|'{1,2}(?!'))*+'{3,5}
        | "(?:[^"\\\n]|\\.)*+" | '[^'\n]*+')
    | (?P<mark>[\[\]{}=.,\n])
    | (?P<bare>[^\s"'\#\[\]{}=.,]++)
    """
"""Of a token; a text, since it is compiled when something is wrong: most files are right."""

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
    for match in re.finditer(_LEXEME, text, re.VERBOSE | re.DOTALL):
        if match.lastgroup != "blank":
            tokens.append((match[0], line))
        line += match[0].count("\n")
    return tokens
