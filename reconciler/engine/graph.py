"""What the commits of a branch changed, as a graph: what any of them held, and in which order they came.

Each commit says what it changed against its first parent, so that the line of first parents tells what a
commit holds without asking git. Commits are taken from a log when they are needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from reconciler.engine.values import CommitInfo, Delta

    Beyond = Callable[[str, Collection[str]], Mapping[str, str | None]]
    """The entry (`mode id`) of each path at a commit, None where it has none."""


class Logged(Protocol):
    """One commit of a log."""

    @property
    def commit(self) -> str:
        """Its id."""

    @property
    def parents(self) -> tuple[str, ...]:
        """Their ids."""

    @property
    def deltas(self) -> tuple[Delta, ...]:
        """What it changed against its first parent; of a root, against nothing."""

    @property
    def committed_at(self) -> int:
        """The second of the committer's clock, since the epoch."""

    @property
    def commit_info(self) -> CommitInfo:
        """Who made it, when, and its subject."""


class CommitGraph:
    """The commits that lead to one commit, all of them or those since an earlier one.

    Attributes:
        cut: why not all is told: of older commits, although the branch has them, or of what commits did.
            None as far as is known.
    """

    def __init__(
        self, tip: str, log: Iterable[Logged], beyond: Beyond | None = None, cut: str | None = None
    ) -> None:
        """Nothing is read yet.

        The log has each commit once, in any order; the sooner a needed one comes, the less is read. Where it
        goes over a budget (`BudgetError`), the graph ends. `beyond` tells what a commit holds of which the
        log does not tell; None where nobody can.
        """
        self.tip = tip
        self.cut = cut
        self._beyond = beyond
        self._asked: dict[str, dict[str, str | None]] = {}
        self._log = iter(log)
        self._commits: list[Logged] = []
        self._positions: dict[str, int] = {}

    def __iter__(self) -> Iterator[Logged]:
        """Every commit, in the order of the log."""
        number = 0
        while number < len(self._commits) or self._read_on():
            yield self._commits[number]
            number += 1

    def only(self, some: Iterable[Logged]) -> CommitGraph:
        """The graph of these commits alone."""
        return CommitGraph(self.tip, some, self._beyond)

    def get(self, commit: str) -> Logged | None:
        """One commit, or None where the log does not tell of it."""
        while commit not in self._positions:
            if not self._read_on():
                return None
        return self._commits[self._positions[commit]]

    def position(self, commit: str) -> int:
        """Where a commit stands in the log; behind all others where the log does not tell of it."""
        return len(self._commits) if self.get(commit) is None else self._positions[commit]

    def entries_at(self, commit: str, paths: Collection[str]) -> dict[str, str | None]:
        """The entry (`mode id`) of each path at a commit, None where it has none.

        A path is left out where the log ends before it is told of, and nobody can tell what is beyond.
        """
        entries: dict[str, str | None] = {}
        missing = set(paths)
        while missing and (logged := self.get(commit)) is not None:
            for path, _, after in logged.deltas:
                if path in missing:
                    entries[path] = after
                    missing.remove(path)
            if not logged.parents:
                return entries | dict.fromkeys(missing)
            commit = logged.parents[0]
        return entries | self._entries_beyond(commit, missing)

    def _entries_beyond(self, commit: str, paths: Collection[str]) -> dict[str, str | None]:
        """The same at a commit of which the log does not tell; each is asked once."""
        if self._beyond is None or not paths:
            return {}
        entries = self._asked.setdefault(commit, {})
        unknown = [path for path in paths if path not in entries]
        if unknown:
            entries |= self._beyond(commit, unknown)
        return {path: entries[path] for path in paths}

    def changed(self, logged: Logged) -> Iterator[tuple[Delta, tuple[str | None, ...]]]:
        """The files in which a commit differs from every parent, each with what the parents hold.

        What a merge only brought together belongs to the commits that were merged.
        """
        deltas = logged.deltas
        others: list[Mapping[str, str | None]] = [
            self.entries_at(parent, [delta.path for delta in deltas])
            for parent in logged.parents[1:]
            if deltas
        ]
        for delta in deltas:
            entries_at = (
                (delta.before,) if not others else (delta.before, *(o.get(delta.path) for o in others))
            )
            if delta.after not in entries_at:
                yield delta, entries_at

    def _read_on(self) -> bool:
        """Takes one more commit from the log, if there is one."""
        try:
            commit = next(self._log, None)
        except BudgetError as error:
            self.cut, commit = str(error), None
        if commit is None:
            return False
        self._positions[commit.commit] = len(self._commits)
        self._commits.append(commit)
        return True


def generations(graph: CommitGraph, older: Callable[[Collection[str]], Mapping[str, int]]) -> dict[str, int]:
    """The generation of each commit of a graph: a commit's is greater than that of any of its parents.

    The graph has children before parents; `older` gives the places of commits beyond it, as far as it knows
    them.
    """
    commits = list(graph)
    inside = {logged.commit for logged in commits}
    numbers = dict(older({parent for logged in commits for parent in logged.parents} - inside))
    for logged in reversed(commits):
        numbers[logged.commit] = generation_of(logged, numbers)
    return {commit: numbers[commit] for commit in inside}


def generation_of(logged: Logged, before: Mapping[str, int]) -> int:
    """The commit's generation number, as git's commit-graph has it (the corrected commit date).

    The second of the committer's clock, or one more than the greatest of the parents' where that is not less.
    So it depends on nothing but the commit and those before it.
    """
    parents = (before[parent] for parent in logged.parents if parent in before)
    return max(logged.committed_at, max(parents, default=0) + 1)
