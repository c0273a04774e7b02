"""Text that came from a repository, read from bytes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconciler.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ANY = sys.maxsize


def path_of(name: bytes) -> str:
    """A path inside a repository, whatever this machine's locale: UTF-8, other bytes surrogate-escaped."""
    return name.decode("utf-8", "surrogateescape")


def blocks(
    pieces: Iterable[bytes], end: bytes = b"\0", longest: int = _ANY, excess: str = ""
) -> Iterator[str]:
    """A stream that comes in pieces of any size as text (see `path_of`), cut only behind an `end`.

    What follows the last `end` comes last, if it is anything.

    Raises:
        BudgetError: no `end` came for more than `longest` bytes; `excess` says of what, and what to do.
    """
    rest = bytearray()
    for piece in pieces:
        new = max(
            len(rest) - len(end) + 1, 0
        )  # what came before holds no end: it is not looked through again
        rest += piece
        cut = rest.rfind(end, new) + len(end)
        if cut >= len(end):
            yield path_of(bytes(rest[:cut]))
            rest = rest[cut:]
        if len(rest) > longest:
            raise BudgetError(excess)
    if rest:
        yield path_of(bytes(rest))


def bounded(pieces: Iterable[bytes], most: int, excess: str, *, fields: int | None = None) -> Iterator[bytes]:
    """The pieces, as long as they hold no more than `most` bytes and `fields` NULs together.

    Raises:
        BudgetError: they hold more; `excess` says of what, and what to do.
    """
    size = ends = 0
    for piece in pieces:
        size += len(piece)
        ends += 0 if fields is None else piece.count(b"\0")
        if size > most or (fields is not None and ends > fields):
            raise BudgetError(excess)
        yield piece


def as_lines(object_ids: Iterable[str]) -> bytes:
    """Object ids as git reads them from its standard input."""
    return "".join(f"{object_id}\n" for object_id in object_ids).encode("ascii")
