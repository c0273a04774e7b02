"""Text that came from a repository, read from bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
