"""What git says of files, commits and what these changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey


class File(NamedTuple):
    """One tree entry below a target's path.

    Attributes:
        path: path inside the repository, `/`-separated; bytes that are not UTF-8 are surrogate-escaped.
        blob: object id, 40 or 64 hex digits.
        mode: git's octal mode: `100644`, `100755`, `120000` (symlink), `160000` (submodule); or `ambiguous`
            of what the tree names twice, or by a name that no checkout could give it.
        size: bytes; 0 for a submodule.
    """

    path: str
    blob: str
    mode: str
    size: int


class Snapshot(NamedTuple):
    """All files below one path at one commit, sorted by path.

    Attributes:
        path: the directory, without a trailing `/`.
        files: every blob, symlink and submodule below it, at any depth, manifests or not.
        exists: whether there is such a directory.
        instead: what has its name where there is none, to follow `has no directory` in a message; else empty.
    """

    commit: str
    path: str
    files: tuple[File, ...]
    exists: bool = True
    instead: str = ""


class CommitInfo(NamedTuple):
    """Which commit, and who made it.

    Attributes:
        author: `Name <email>`.
        authored_at: author date, timezone-aware.
        subject: first line of the message.
    """

    commit: str
    author: str
    authored_at: datetime
    subject: str


class Delta(NamedTuple):
    """What one commit changed in one file, against its first parent.

    Attributes:
        before, after: git's octal mode and the object id, with a space between; None where there is no file.
    """

    path: str
    before: str | None
    after: str | None


class FileChange(NamedTuple):
    """What one commit did to the document that declares a model.

    Attributes:
        path: the file that declares it afterwards; of a deletion, the one that did before.
        deleted: whether the commit took the document out of that file.
        generation: of the commit, see `reconciler.engine.graph.generation_of`.
    """

    path: str
    commit_info: CommitInfo
    deleted: bool = False
    generation: int = 0


class HistoryUpdate(NamedTuple):
    """What some commits add to the history of a branch that is kept, or all that there is to keep.

    Attributes:
        commits: each with its generation, and with who made it where it touched any of the target's files; to
        be
            gone through once.
        changes: what they did to each model's document, one commit after the other; to be gone through once.
        is_whole: whether they are all the commits of the branch.
    """

    commits: Iterable[tuple[str, int, CommitInfo | None]]
    changes: Iterable[tuple[ModelKey, FileChange]]
    is_whole: bool = False
