"""Reads `git ls-tree -z` and `git cat-file`: which files a commit has, their sizes, and what is in them."""

from __future__ import annotations

import posixpath
import re
from operator import attrgetter
from sys import intern
from typing import TYPE_CHECKING

from reconciler.engine.values import File
from reconciler.errors import SourceError
from reconciler.source.text import blocks, printable

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable

    from reconciler.source.process import Conversation

LISTED = ("ls-tree", "-z", "-l", "--full-tree")
MEASURED = ("cat-file", "--batch-check=%(objectsize)", "--buffer")
MOST_ARGUMENTS = 64 * 1024  # bytes of paths in one command line; systems take at least twice that

_ENTRY = re.compile(r"(\d{6}) (\w+) ([0-9a-f]+) +([^\t]+)\t([^\0]+)\0")
_NOWHERE = frozenset({"", ".", ".."})


def inside(path: str) -> str:
    """A path inside the repository in its plain form; the root is the empty text.

    Raises:
        SourceError: it leads out of the repository.
    """
    plain = posixpath.normpath(path) if path else "."
    if plain.startswith("/") or plain.split("/")[0] == ".." or "\0" in plain:
        raise SourceError(f"path '{printable(path)}': leads out of the repository; give a folder inside it")
    return "" if plain == "." else plain


def can_be(path: str) -> bool:
    """Whether a tree can have an entry at `path` at all: git takes the others for something else."""
    return "\0" not in path and _NOWHERE.isdisjoint(path.split("/"))


def common_folder(paths: Iterable[str]) -> str:
    """The deepest folder that holds all of `paths`; the path itself when there is one."""
    known = tuple(paths)
    first, last = min(known).split("/"), max(known).split("/")
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    return "/".join(first[:shared])


def pathspec(*paths: str) -> tuple[str, ...]:
    """Arguments that limit a command to `paths`, after every option; the root limits nothing."""
    return ("--", *paths) if all(paths) else ("--",)


def files(pieces: Iterable[bytes]) -> list[File]:
    """The files, links and submodules that `git ls-tree` prints with `LISTED`, sorted by path."""
    found = [
        File(path, blob, intern(mode), int(size) if size.isdigit() else 0)
        for block in blocks(pieces)
        for mode, kind, blob, size, path in _ENTRY.findall(block)
        if kind != "tree"
    ]
    found.sort(key=attrgetter("path"))
    return found


def sizes(printed: bytes) -> list[int]:
    """Bytes of each object that `git cat-file` tells with `MEASURED`, in the order asked; 0 if missing."""
    return [int(line) if line.isdigit() else 0 for line in printed.splitlines()]


def content(reader: io.BufferedReader[Conversation]) -> bytes | None:
    """The next blob that `git cat-file --batch` prints; None when it prints something else, or nothing."""
    match reader.readline().split():
        case [_, b"blob", size]:
            found = reader.read(int(size) + 1)
            return found[:-1] if len(found) > int(size) else None
        case _:
            return None
