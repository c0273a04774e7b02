"""Reads `git ls-tree -z`: which files a commit has, without looking into any."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from reconciler.engine.values import File
from reconciler.errors import SourceError
from reconciler.source.text import path_of, printable

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator

    from reconciler.source.process import Conversation

ARGUMENTS = ("ls-tree", "-r", "-z", "-l", "--full-tree")


def inside(path: str) -> str:
    """A path inside the repository in its plain form; the root is the empty text.

    Raises:
        SourceError: it leads out of the repository.
    """
    plain = posixpath.normpath(path) if path else "."
    if plain.startswith("/") or plain.split("/")[0] == ".." or "\0" in plain:
        raise SourceError(f"path '{printable(path)}': leads out of the repository; give a folder inside it")
    return "" if plain == "." else plain


def pathspec(*paths: str) -> tuple[str, ...]:
    """Arguments that limit a command to `paths`, after every option; the root limits nothing."""
    return ("--", *paths) if all(paths) else ("--",)


def files(output: Conversation) -> Iterator[File]:
    """The entries that `git ls-tree` prints with `ARGUMENTS`."""
    for record in split_nul(output.pieces()):
        facts, _, name = record.partition(b"\t")
        mode, _, blob, size = facts.split()
        yield File(
            path=path_of(name),
            blob=blob.decode("ascii"),
            mode=mode.decode("ascii"),
            size=int(size) if size.isdigit() else 0,
        )


def content(reader: io.BufferedReader[Conversation]) -> bytes | None:
    """The next blob that `git cat-file --batch` prints; None when it prints something else, or nothing."""
    match reader.readline().split():
        case [_, b"blob", size]:
            found = reader.read(int(size) + 1)
            return found[:-1] if len(found) > int(size) else None
        case _:
            return None


def split_nul(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The NUL-terminated records of a stream that comes in pieces of any size."""
    rest = b""
    for piece in pieces:
        *records, rest = (rest + piece).split(b"\0")
        yield from records
    if rest:
        yield rest
