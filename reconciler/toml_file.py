"""Reads a TOML file that anybody may have written, such as a configuration that came with a merge request.

The standard library's parser recurses, stumbles over numbers of any length, and takes quadratic time and
memory for a key of very many parts: the last is refused before, the others are mistakes like any other. Every
mistake is told as `FILE:LINE: …`, or `FILE:LINE:COLUMN: …` where the column is known.
"""

from __future__ import annotations

import codecs
import re
import tomllib
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError

if TYPE_CHECKING:
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
