"""The files of a commit: their names and ids, and their contents."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from reconciler.engine.values import File, Snapshot
from reconciler.errors import SourceError
from reconciler.printable import printable
from reconciler.source import tree
from reconciler.source.commands import GitError
from reconciler.source.refs import is_object_id
from reconciler.source.text import as_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from reconciler.budgets import Budgets
    from reconciler.source.backend import Backend

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R", bound="FileReader")


def asked_again(ask: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """Asks once more where what git could not read was replaced by something sound."""

    @wraps(ask)
    def asked(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return ask(self, *args, **kwargs)
        except GitError:
            if not self._origin.replace():
                raise
            return ask(self, *args, **kwargs)

    return asked


class FileReader:
    """Lists and reads what commits of one repository hold, as far as its budgets go."""

    def __init__(self, origin: Backend, budgets: Budgets) -> None:
        self._origin = origin
        self._budgets = budgets

    def _checked(self, commit: str) -> str:
        """`commit`, once it is certain that it cannot be taken for an option."""
        if not is_object_id(commit):
            raise SourceError(f"{self._origin.named}: '{printable(commit)}' is not a whole commit id")
        return commit

    @asked_again
    def snapshot(self, commit: str, path: str) -> Snapshot:
        """All files below `path` at `commit`; `exists` is False when that is no directory.

        Raises:
            BudgetError: there are more than are read.
            SourceError: the commit is not there, or git failed.
        """
        path = tree.inside(path)
        files = self._listed(path, "-r", self._checked(commit), *tree.pathspec(path))
        exists = not any(file.path == path for file in files) and bool(files or not path)
        return Snapshot(commit, path, tuple(files) if exists else (), exists=exists)

    @asked_again
    def files(self, commit: str, paths: Collection[str]) -> Mapping[str, File]:
        """Those of exactly these paths that are a file, a link or a submodule at `commit`, by one process.

        Raises:
            BudgetError: what lies around them is more than is read.
            SourceError: the commit is not there, or git failed.
        """
        names = frozenset(filter(tree.can_be, paths))
        if not names:
            return {}
        if tree.fit_arguments(names):
            listed = self._listed("", self._checked(commit), *tree.pathspec(*sorted(names)))
        else:
            folder = tree.common_folder(names)
            listed = self._listed(folder, "-r", self._checked(commit), *tree.pathspec(folder))
        return {file.path: file for file in listed if file.path in names}

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each blob, streamed in the order asked, by one `git cat-file --batch`.

        Raises:
            SourceError: a blob is missing or damaged, or git failed.
        """
        remaining = tuple(blobs)
        for blob in remaining:
            if not is_object_id(blob):
                raise SourceError(f"{self._origin.named}: '{printable(blob)}' is not an object id")
        while remaining:
            done = 0
            try:
                for content in self._contents(remaining):
                    done += 1
                    yield content
            except GitError:
                if not self._origin.replace():
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
        for blob, content in tree.contents(self._origin.commands, blobs):
            if content is None:
                raise GitError(
                    f"{self._origin.named}: object {blob} is missing, or no file's content; "
                    "run `git fsck` there, or clone it anew"
                )
            yield blob, content

    @asked_again
    def _sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Bytes of each content; no process is started when there is none."""
        if not blobs:
            return {}
        with self._origin.commands.stream(*tree.MEASURED, feed=as_lines(blobs)) as output:
            printed = b"".join(output.pieces())
        return dict(zip(blobs, tree.sizes(printed), strict=True))

    def _listed(self, where: str, *arguments: str) -> list[File]:
        with self._origin.commands.stream(*tree.LISTED, *arguments) as output:
            return tree.files(output.pieces(), self._budgets, printable(where) or "the repository")
