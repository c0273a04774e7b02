"""What two commits differ in: the paths, and the commits between them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.errors import BudgetError
from reconciler.source import difference, log, tree
from reconciler.source.file_reader import FileReader
from reconciler.source.object_reader import asked_again
from reconciler.source.span import Span
from reconciler.source.text import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.budgets import Budgets
    from reconciler.engine.values import File
    from reconciler.source.backend import Backend

_SEVERAL = 2  # targets


class ChangeReader(FileReader):
    """Compares two commits below the folders that are reconciled."""

    def __init__(self, origin: Backend, budgets: Budgets, paths: Sequence[str]) -> None:
        super().__init__(origin, budgets)
        self._paths = tuple(tree.inside(path) for path in paths)
        self._span: Span | None = None

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
        path = tree.inside(path)
        commits = [f"{self._checked(commit)}^{{commit}}" for commit in (old, new)]
        if old == new:
            return {}
        try:
            span = self._shared_span(old, new, path)
            entries = self._differing(commits, path) if span is None else span.entries_below(path)
            if entries is None or path in entries or not all(map(tree.can_be, entries)):
                return None
            present = self.files(new, [name for name, is_there in entries.items() if is_there])
        except BudgetError:
            return None
        if any(file.mode == tree.AMBIGUOUS for file in present.values()):
            return None
        return {name: present.get(name) for name in entries}

    def _shared_span(self, old: str, new: str, path: str) -> Span | None:
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
                    self._span = Span(old, new, entries, commits)
        return self._span

    def _differing(self, commits: Iterable[str], *paths: str) -> dict[str, bool] | None:
        """Which entries below these folders differ, see `difference.entries`; None where git refuses it."""
        arguments = (*difference.ARGUMENTS, *commits, *tree.pathspec(*paths))
        return self._origin.commands.attempt(
            *arguments, read=lambda pieces: difference.entries(pieces, self._budgets)
        )

    def _log_of(self, span: str, *paths: str) -> list[log.Commit] | None:
        return self._between(*log.LOG, *log.BOTH_SIDES, span, *tree.pathspec(*paths))

    def _between(self, *arguments: str) -> list[log.Commit] | None:
        """The commits of a log, together no longer than a list of files may be; None where git refuses it."""
        most = self._budgets.listed_bytes
        excess = f"it is longer than {most:,} bytes; raise limits.listed_bytes to have it read"

        def read(pieces: Iterator[bytes]) -> list[log.Commit]:
            return list(log.commits(bounded(pieces, most, excess), self._budgets))

        return self._origin.commands.attempt(*arguments, read=read)
