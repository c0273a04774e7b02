"""Which manifests of a large work tree declare a pair, found without opening each of them.

    what every manifest declared at one commit: kept in git's folder ─┐
    what is staged otherwise than in that commit: asked from git ─────┴─▶ the files that may declare a pair

What is kept is of a commit, which never changes, and git tells every difference from it, so that it cannot be
out of date. It is made of the commit that is checked out, at the first question and once very much differs;
where nothing can be kept, each time.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import ExitStack, closing
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from reconciler.contract import rules_version
from reconciler.errors import BudgetError, SourceError
from reconciler.manifest import is_manifest
from reconciler.manifest.text import LARGEST_FILE
from reconciler.private import replacing
from reconciler.source.plain_git import listed
from reconciler.source.plumbing import path_of, pathspec
from reconciler.source.worktree import declared_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from pathlib import Path

    from reconciler.contract.model_key import ModelKey
    from reconciler.source.git_files import Layout
    from reconciler.source.repository import GitSource

_DIFFERING = ("diff-index", "--cached", "--name-status", "-z", "--no-renames", "--ignore-submodules=all")
_GONE = "D"
_MOST_DIFFERING = 1000  # files; each of them is opened
_SCHEMA = """
CREATE TABLE base (rules TEXT, hash TEXT);
CREATE TABLE claim (name BLOB, version BLOB, path BLOB);
"""
_INDEX = "CREATE INDEX claim_by_pair ON claim (name, version)"


class DeclaringFiles(NamedTuple):
    """The files that declare some pairs, as far as is known without opening them.

    Attributes:
        certain: those that declared one at the commit, and are staged as they were.
        possible: those that are staged otherwise.
    """

    certain: frozenset[str]
    possible: frozenset[str]


def staged_declaring(
    layout: Layout, opened: Callable[[], GitSource], pairs: Collection[ModelKey], root: str
) -> DeclaringFiles | None:
    """The files below `root` that declare one of these pairs, as staged; None where git cannot tell.

    `opened` opens the repository, to read its commits.
    """
    name = sha256(root.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    file = layout.kept_dir / f"claims-{name}.db"
    try:
        kept = _usable(file)
        declaring = None if kept is None else _declaring(kept, layout, pairs, root, at_most=_MOST_DIFFERING)
        if declaring is None:
            made = _made(file, opened, root)
            declaring = None if made is None else _declaring(made, layout, pairs, root)
    except sqlite3.DatabaseError:
        file.unlink(missing_ok=True)  # damaged: made anew by the next that asks
        return None
    return declaring


def _declaring(
    kept: sqlite3.Connection,
    layout: Layout,
    pairs: Collection[ModelKey],
    root: str,
    at_most: int = sys.maxsize,
) -> DeclaringFiles | None:
    """What is kept tells, which is closed; None where git fails, or more than `at_most` files differ."""
    query = "SELECT path FROM claim WHERE name = ? AND version = ?"
    with closing(kept):
        ((commit,),) = kept.execute("SELECT hash FROM base")
        listing = listed(layout, *_DIFFERING, commit, *pathspec(root))
        if listing is None or len(listing) // 2 > at_most:
            return None
        differing = dict(zip(listing[1::2], listing[::2], strict=True))
        paths = (path for pair in pairs for (path,) in kept.execute(query, tuple(map(_raw, pair))))
        certain = frozenset(map(path_of, paths)) - differing.keys()
    return DeclaringFiles(certain, frozenset(path for path, what in differing.items() if what != _GONE))


def _made(file: Path, opened: Callable[[], GitSource], root: str) -> sqlite3.Connection | None:
    """What the commit that is checked out declares, read from git and kept; None where there is none."""
    try:
        with opened() as source:
            commit = source.resolve("HEAD")
            return _kept(file, commit, _declared(source, commit, root))
    except (SourceError, BudgetError):
        return None


def _declared(source: GitSource, commit: str, root: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Each pair that a commit's manifests declare: name, version and path."""
    paths: dict[str, list[str]] = {}
    for file in source.snapshot(commit, root).files:
        if file.mode.startswith("100") and file.size <= LARGEST_FILE and is_manifest(file.path, root):
            paths.setdefault(file.blob, []).append(file.path)
    for blob, data in source.read(paths):
        for path in paths[blob]:
            yield from (
                (_raw(key.model_name), _raw(key.model_version), _raw(path))
                for key in declared_keys(path, data)
            )


def _kept(file: Path, commit: str, rows: Iterable[tuple[bytes, bytes, bytes]]) -> sqlite3.Connection:
    """The pairs in a file that is complete before it has its name; in memory where none can be made."""
    with ExitStack() as stack:
        try:
            connection = sqlite3.connect(stack.enter_context(replacing(file)))
        except (OSError, sqlite3.Error):
            connection = sqlite3.connect(":memory:")
        connection.executescript(_SCHEMA)
        with connection:
            connection.executemany("INSERT INTO claim VALUES (?, ?, ?)", rows)
            connection.execute(_INDEX)
            connection.execute("INSERT INTO base VALUES (?, ?)", (rules_version(), commit))
    return connection


def _usable(file: Path) -> sqlite3.Connection | None:
    """What is kept, if it is there and was made by these rules."""
    if not file.exists():
        return None
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        with closing(connection.execute("SELECT rules FROM base")) as rows:
            if rows.fetchone() == (rules_version(),):
                return connection
    except sqlite3.DatabaseError:
        pass
    connection.close()
    return None


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
