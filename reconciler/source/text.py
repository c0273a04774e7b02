"""Text that came from a repository or a server: read from bytes, and made fit to be shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def path_of(name: bytes) -> str:
    """A path inside a repository, whatever this machine's locale: UTF-8, other bytes surrogate-escaped."""
    return name.decode("utf-8", "surrogateescape")


def blocks(pieces: Iterable[bytes], end: bytes = b"\0") -> Iterator[str]:
    """A stream that comes in pieces of any size as text (see `path_of`), cut only behind an `end`.

    What follows the last `end` comes last, if it is anything.
    """
    rest = b""
    for piece in pieces:
        rest += piece
        cut = rest.rfind(end) + len(end)
        if cut >= len(end):
            yield path_of(rest[:cut])
            rest = rest[cut:]
    if rest:
        yield path_of(rest)


def printable(text: str) -> str:
    r"""`text` with control characters and undecodable bytes as `\x..` and `\u....`."""
    return _CONTROL.sub(lambda match: _escaped(match[0]), text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - one byte
