"""The files of a commit, their contents, and what two commits differ in."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from reconciler.engine.values import File, Snapshot
from reconciler.errors import BudgetError, SourceError
from reconciler.printable import printable
from reconciler.source import git_log, plumbing
from reconciler.source.commands import GitError
from reconciler.source.git_files import is_object_id
from reconciler.source.plumbing import as_lines, bounded, path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.budgets import Budgets
    from reconciler.source.backend import Backend

_SEVERAL = 2  # targets
_DIFFERENCE = ("diff-tree", "-r", "-z", "--raw", *git_log.EXACT)
_ENTRY = re.compile(r":\d{6} (\d{6}) [0-9a-f]+ [0-9a-f]+ [A-Z]\d*\0([^\0]+)\0")
_NO_MODE = "000000"
_MOST = 20_000  # entries: to look at everything costs less than to ask an index about each of so many
_FIELDS = 2  # of an entry
_INSTEAD = {
    "100644": " (there is a file of that name)",
    "100755": " (there is a file of that name)",
    "120000": " (there is a symbolic link of that name, which is never followed)",
    "160000": " (there is a submodule of that name, which is never looked into)",
}
"""By the mode of an entry that stands where a folder was expected: words for the message."""

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound="FileReader")


def asked_again(ask: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """Repeats a call once if the mirror that git could not read was replaced by a sound one."""

    @wraps(ask)
    def asked(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return ask(self, *args, **kwargs)
        except GitError:
            if not self._backend.replace():
                raise
            return ask(self, *args, **kwargs)

    return asked


class FileReader:
    """Lists, reads and compares what commits of one repository hold, as far as its budgets go."""

    def __init__(self, backend: Backend, budgets: Budgets, paths: Sequence[str]) -> None:
        self._backend = backend
        self._budgets = budgets
        self._paths = tuple(plumbing.inside(path) for path in paths)
        self._span: _Span | None = None

    def _checked(self, commit: str) -> str:
        """`commit`, once it is certain that it cannot be taken for an option."""
        if not is_object_id(commit):
            raise SourceError(f"{self._backend.named}: '{printable(commit)}' is not a whole commit id")
        return commit

    @asked_again
    def snapshot(self, commit: str, path: str) -> Snapshot:
        """All files below `path` at `commit`; `exists` is False when that is no directory.

        Raises:
            BudgetError: there are more than are read.
            SourceError: the commit is not there, or git failed.
        """
        path = plumbing.inside(path)
        files = self._listed(path, "-r", self._checked(commit), *plumbing.pathspec(path))
        instead = next((_INSTEAD.get(file.mode, "") for file in files if file.path == path), None)
        exists = instead is None and bool(files or not path)
        return Snapshot(commit, path, tuple(files) if exists else (), exists, instead or "")

    @asked_again
    def files(self, commit: str, paths: Collection[str]) -> Mapping[str, File]:
        """Those of exactly these paths that are a file, a link or a submodule at `commit`, by one process.

        Raises:
            BudgetError: what lies around them is more than is read.
            SourceError: the commit is not there, or git failed.
        """
        names = frozenset(filter(plumbing.can_be, paths))
        if not names:
            return {}
        if plumbing.fit_arguments(names):
            listed = self._listed("", self._checked(commit), *plumbing.pathspec(*sorted(names)))
        else:
            folder = plumbing.common_folder(names)
            listed = self._listed(folder, "-r", self._checked(commit), *plumbing.pathspec(folder))
        return {file.path: file for file in listed if file.path in names}

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each blob, streamed in the order asked, by one `git cat-file --batch`.

        Raises:
            SourceError: a blob is missing or damaged, or git failed.
        """
        remaining = tuple(blobs)
        for blob in remaining:
            if not is_object_id(blob):
                raise SourceError(f"{self._backend.named}: '{printable(blob)}' is not an object id")
        while remaining:
            done = 0
            try:
                for content in self._contents(remaining):
                    done += 1
                    yield content
            except GitError:
                if not self._backend.replace():
                    raise
            remaining = remaining[done:]

    def contents(self, blobs: Iterable[str], *, at_most: int) -> Iterator[tuple[str, bytes]]:
        """As `read`, for contents of any age; one process more asks for their sizes.

        Those of more than `at_most` bytes come as if they were empty.

        Raises:
            SourceError: a blob is missing or damaged, or git failed.
        """
        sizes = self._sizes(tuple(blobs))
        yield from ((blob, b"") for blob, size in sizes.items() if size > at_most)
        yield from self.read(blob for blob, size in sizes.items() if size <= at_most)

    def _contents(self, blobs: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        for blob, content in plumbing.contents(self._backend.commands, blobs):
            if content is None:
                raise GitError(
                    f"{self._backend.named}: object {blob} is missing, or no file's content; "
                    "run `git fsck` there, or clone it anew"
                )
            yield blob, content

    @asked_again
    def _sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Bytes of each content; no process is started when there is none."""
        if not blobs:
            return {}
        with self._backend.commands.stream(*plumbing.MEASURED, feed=as_lines(blobs)) as output:
            printed = b"".join(output.pieces())
        return dict(zip(blobs, plumbing.sizes(printed), strict=True))

    def _listed(self, where: str, *arguments: str) -> list[File]:
        with self._backend.commands.stream(*plumbing.LISTED, *arguments) as output:
            return plumbing.files(output.pieces(), self._budgets, printable(where) or "the repository")

    # two commits beside each other

    @asked_again
    def changes(self, old: str, new: str, path: str) -> Mapping[str, File | None] | None:
        """Every path below `path` whose entry differs between two commits: its file at `new`, None if gone.

        Renames are a path that is gone and one that is new. Two processes at most, whatever the size of the
        tree; none when both commits are the same.

        Returns:
            None where a difference tells too little, or more than is read, so that `snapshot` has to be
            asked: `old` is no commit of this repository (any more), `path` itself is or was no directory, or
            git cannot compare them.

        Raises:
            SourceError: one of them is no whole commit id, or git did not answer.
        """
        path = plumbing.inside(path)
        commits = [f"{self._checked(commit)}^{{commit}}" for commit in (old, new)]
        if old == new:
            return {}
        try:
            span = self._shared_span(old, new, path)
            entries = self._differing(commits, path) if span is None else span.entries_below(path)
            if entries is None or path in entries or not all(map(plumbing.can_be, entries)):
                return None
            present = self.files(new, [name for name, is_there in entries.items() if is_there])
        except BudgetError:
            return None
        if any(file.mode == plumbing.AMBIGUOUS for file in present.values()):
            return None
        return {name: present.get(name) for name in entries}

    def _shared_span(self, old: str, new: str, path: str) -> _Span | None:
        """What is asked about all targets at once, where there are several and it is not too much.

        Each would ask git the same of other folders, and most commits concern one of them.
        """
        if len(self._paths) < _SEVERAL or path not in self._paths:
            return None
        if self._span is None or (self._span.old, self._span.new) != (old, new):
            self._span = None
            with suppress(BudgetError):
                entries = self._differing([f"{commit}^{{commit}}" for commit in (old, new)], *self._paths)
                commits = self._log_of(f"{old}...{new}", *self._paths)
                if entries is not None and commits is not None:
                    self._span = _Span(old, new, entries, commits)
        return self._span

    def _differing(self, commits: Iterable[str], *paths: str) -> dict[str, bool] | None:
        """Which entries below these folders differ, see `_entries`; None where git refuses it."""
        arguments = (*_DIFFERENCE, *commits, *plumbing.pathspec(*paths))
        return self._backend.commands.attempt(*arguments, read=lambda pieces: _entries(pieces, self._budgets))

    def _log_of(self, span: str, *paths: str) -> list[git_log.Commit] | None:
        return self._between(*git_log.LOG, *git_log.BOTH_SIDES, span, *plumbing.pathspec(*paths))

    def _between(self, *arguments: str) -> list[git_log.Commit] | None:
        """The commits of a log, together no longer than a list of files may be; None where git refuses it."""
        most = self._budgets.listed_bytes
        excess = f"it is longer than {most:,} bytes; raise limits.listed_bytes to have it read"

        def read(pieces: Iterator[bytes]) -> list[git_log.Commit]:
            return list(git_log.commits(bounded(pieces, most, excess), self._budgets))

        return self._backend.commands.attempt(*arguments, read=read)


@dataclass(frozen=True, slots=True)
class _Span:
    """What two commits and those between them differ in, asked once for all targets of a repository.

    Attributes:
        old, new: their ids.
        entries: every path that differs, and whether it is there at the new one.
        commits: those that only one of both has, with what they did.
    """

    old: str
    new: str
    entries: Mapping[str, bool]
    commits: Sequence[git_log.Commit]

    def entries_below(self, path: str) -> dict[str, bool]:
        """The paths below one of these folders, or the folder's own, that differ."""
        return {name: there for name, there in self.entries.items() if _is_below(name, path)}

    def commits_below(self, path: str) -> list[git_log.Commit]:
        """The commits with what they did there."""
        return [
            commit
            if all(_is_below(delta.path, path) for delta in commit.deltas)
            else commit._replace(deltas=tuple(one for one in commit.deltas if _is_below(one.path, path)))
            for commit in self.commits
        ]


def _is_below(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}/")


def _entries(pieces: Iterable[bytes], budgets: Budgets) -> dict[str, bool] | None:
    """Every path that differs, and whether it is there at the second; None where one is named twice.

    Raises:
        BudgetError: very many differ.
    """
    read = bounded(pieces, budgets.listed_bytes, "very many files differ", fields=_FIELDS * _MOST)
    pairs = _ENTRY.findall(path_of(b"".join(read)))
    by_path = {path: mode != _NO_MODE for mode, path in pairs}
    return by_path if len(by_path) == len(pairs) else None
