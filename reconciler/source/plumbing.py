"""What git's plumbing is given and prints: streams of bytes, paths, `ls-tree -z`, `cat-file`.

These tell which files a commit has, their sizes, and what is in them.
"""

from __future__ import annotations

import io
import os
import posixpath
import re
from itertools import pairwise
from operator import attrgetter
from sys import intern, maxsize
from typing import TYPE_CHECKING

from reconciler.engine.values import File
from reconciler.errors import BudgetError, SourceError
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from reconciler.budgets import Budgets
    from reconciler.source.commands import Commands
    from reconciler.source.process import GitProcess

MEASURED = ("cat-file", "--batch-check=%(objectsize)", "--buffer")
LISTED = ("ls-tree", "-z", "-l", "-t", "--full-tree")
AMBIGUOUS = "ambiguous"
"""The mode of what a tree names twice, or by a name that no checkout could give it; its id is zeros."""
_READ_AHEAD = 256 * 1024  # bytes
_MOST_ARGUMENTS = 64 * 1024  # bytes of paths in one command line; systems take at least twice that

_ENTRY = re.compile(r"(\d{6}) (\w+) ([0-9a-f]+) +([^\t]+)\t([^\0]+)\0")
_NOWHERE = frozenset({"", ".", ".."})


# --- text that came from a repository, read from bytes ---------------------------------------------------


def path_of(name: bytes) -> str:
    """A path inside a repository, whatever this machine's locale: UTF-8, other bytes surrogate-escaped."""
    return name.decode("utf-8", "surrogateescape")


def blocks(
    pieces: Iterable[bytes], end: bytes = b"\0", longest: int = maxsize, excess: str = ""
) -> Iterator[str]:
    """A stream that comes in pieces of any size as text (see `path_of`), cut only behind an `end`.

    What follows the last `end` comes last, if it is anything.

    Raises:
        BudgetError: no `end` came for more than `longest` bytes; `excess` says of what, and what to do.
    """
    rest = bytearray()
    for piece in pieces:
        # what came before holds no end: it is not looked through again
        new = max(len(rest) - len(end) + 1, 0)
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


# --- paths, and what a tree has at them ----------------------------------------------------------------


def inside(path: str) -> str:
    """A path inside the repository in its plain form; the root is the empty text. Raises SourceError."""
    plain = posixpath.normpath(path) if path else "."
    if plain.startswith("/") or plain.split("/")[0] == ".." or "\0" in plain:
        raise SourceError(f"path '{printable(path)}': leads out of the repository; give a folder inside it")
    return "" if plain == "." else plain


def can_be(path: str) -> bool:
    """Whether a tree can have an entry at `path` at all: git takes the others for something else."""
    return "\0" not in path and _NOWHERE.isdisjoint(path.split("/"))


def common_folder(paths: Iterable[str]) -> str:
    """The deepest folder that holds all of `paths` and can be an argument; of one path, itself."""
    every = tuple(paths)
    first, last = min(every).split("/"), max(every).split("/")
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    while not fit_arguments(["/".join(first[:shared])]):
        shared -= 1
    return "/".join(first[:shared])


def fit_arguments(paths: Iterable[str]) -> bool:
    """Whether these paths, which anybody who commits may have made, can be arguments of one command."""
    return sum(len(path.encode("utf-8", "surrogateescape")) + 1 for path in paths) <= _MOST_ARGUMENTS


def pathspec(*paths: str) -> tuple[str, ...]:
    """Arguments that limit a command to `paths`, after every option; the root limits nothing.

    They are the paths' own bytes, whatever this machine's locale.
    """
    if not all(paths):
        return ("--",)
    return "--", *(os.fsdecode(path.encode("utf-8", "surrogateescape")) for path in paths)


def files(pieces: Iterable[bytes], budgets: Budgets, where: str) -> list[File]:
    """The files, links and submodules that `git ls-tree` prints with `LISTED`, sorted by path.

    Raises:
        BudgetError: there are more below `where` than the budgets allow; no more than these was read.

    What a tree names twice, or in a way that no checkout could have it (`a//b`, a slash in a name), is there
    once, as `AMBIGUOUS`: it is not known which of them is meant.
    """
    listed: list[File] = []
    same = dict[str, str]().setdefault  # one content at very many paths has one id
    folders: set[str] = {""}
    twice: set[str] = set()
    for block in blocks(bounded(pieces, budgets.listed_bytes, _too_long(budgets, where))):
        for mode, kind, blob, size, path in _ENTRY.findall(block):
            if kind != "tree":
                listed.append(File(path, same(blob, blob), intern(mode), int(size) if size.isdigit() else 0))
            elif path in folders:
                twice.add(path)
            else:
                folders.add(path)
        if len(listed) + len(folders) + len(twice) > budgets.paths:
            raise BudgetError(
                f"{where} has more than {budgets.paths:,} files and folders: remove some, or raise "
                "limits.paths"
            )
    listed.sort(key=attrgetter("path"))
    below_twice = tuple(f"{folder}/" for folder in twice)
    paths = [file.path for file in listed]
    odd = {one for one, other in pairwise(paths) if one == other}
    odd.update(
        path
        for path in paths
        if path in folders or path.startswith(below_twice) or not _is_plain(path, folders)
    )
    if not odd:
        return listed
    return list({file.path: _ambiguous(file) if file.path in odd else file for file in listed}.values())


def _too_long(budgets: Budgets, where: str) -> str:
    return (
        f"the list of what is below {where} is longer than {budgets.listed_bytes:,} bytes: remove files, or "
        "raise limits.listed_bytes"
    )


def _ambiguous(file: File) -> File:
    """The same as something that must not be read."""
    return file._replace(blob="0" * len(file.blob), mode=AMBIGUOUS, size=0)


def _is_plain(path: str, folders: Collection[str]) -> bool:
    """Whether a checkout could have the path: each part of it is a folder of its own."""
    return path.rpartition("/")[0] in folders and can_be(path)


def sizes(printed: bytes) -> list[int]:
    """Bytes of each object that `git cat-file` tells with `MEASURED`, in the order asked; 0 if missing."""
    return [int(line) if line.isdigit() else 0 for line in printed.splitlines()]


def contents(commands: Commands, ids: Collection[str]) -> Iterator[tuple[str, bytes | None]]:
    """The bytes of each of these blobs, in their order; None of one that is missing, or is no blob.

    Raises:
        SourceError: git failed.
    """
    with commands.stream("cat-file", "--batch", "--buffer", feed=as_lines(ids)) as output:
        reader = io.BufferedReader(output, _READ_AHEAD)
        for one in ids:
            content = _content(reader)
            if content is None:
                commands.require_success(output)
            yield one, content
        reader.read(1)


def _content(reader: io.BufferedReader[GitProcess]) -> bytes | None:
    """The next blob that `git cat-file --batch` prints; None when it prints something else, or nothing."""
    match reader.readline().split():
        case [_, b"blob", size]:
            data = reader.read(int(size) + 1)
            return data[:-1] if len(data) > int(size) else None
        case _:
            return None
