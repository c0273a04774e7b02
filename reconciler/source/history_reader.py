"""The commits that lead to a commit: who made them, and what they did."""

from __future__ import annotations

import io
import sys
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.engine.graph import CommitGraph
from reconciler.errors import BudgetError
from reconciler.source import git_log, plumbing
from reconciler.source.commands import FOUND_OR_NOT, Commands, GitError
from reconciler.source.file_reader import FileReader, asked_again
from reconciler.source.plumbing import as_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence

    from reconciler.engine.values import CommitInfo
    from reconciler.source.process import GitProcess

_NO_COMMIT = "Not a valid commit name"
_FEW = 100  # files that may all be found near the beginning of a log, so that no list of all commits is made
_COMMITS_A_PROCESS = 50_000  # git keeps a kilobyte of each in memory: far below limits.git_memory


class HistoryReader(FileReader):
    """Reads logs, as far back as a question needs."""

    @asked_again
    def parents(self, commit: str) -> Sequence[str]:
        """The parents that the commit itself names, whether they are there or not.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        return _parents_of(self._backend.commands, [self._checked(commit)])

    @asked_again
    def contains(self, commit: str, earlier: str, before: Collection[str] = ()) -> bool | None:
        """Whether `earlier` is `commit` or one of its ancestors; False also when it is not there any more.

        One process; some more where history is cut off.

        Args:
            commit: where to begin.
            earlier: what to look for.
            before: commits known to be ancestors of `earlier`.

        Returns:
            None where history is cut off before that can be told.

        Raises:
            SourceError: one of them is no whole commit id, or git failed.
        """
        commands, commits = self._backend.commands, (self._checked(commit), self._checked(earlier))
        try:
            base = commands.text("merge-base", *commits, accept=FOUND_OR_NOT)
        except GitError as error:
            if _NO_COMMIT not in error.stderr:
                raise
            base = ""
        if base == earlier:
            return True
        cut_off = self._backend.layout.shallow()
        return _goes_on(commands, *commits, cut_off, before) if cut_off else False

    @asked_again
    def merge_base(self, commit: str, other: str) -> str | None:
        """The newest commit from which both go on; None where there is none, or history is cut off before it.

        Raises:
            SourceError: one of them is no whole commit id, or git failed.
        """
        commits = (self._checked(commit), self._checked(other))
        return self._backend.commands.text("merge-base", *commits, accept=FOUND_OR_NOT) or None

    @asked_again
    def attributions(self, commits: Iterable[str]) -> Mapping[str, CommitInfo]:
        """Who made these commits, as far as they are there; one process.

        Raises:
            SourceError: one of them is no whole commit id, or git failed.
        """
        ids = [self._checked(commit) for commit in commits]
        if not ids:
            return {}
        named: dict[str, CommitInfo] = {}
        with (
            suppress(BudgetError),  # the others are known by what the journal says of them
            self._backend.commands.stream(*git_log.NAMED, feed=as_lines(ids)) as output,
        ):
            for logged in git_log.commits(output.pieces(), self._budgets):
                named[logged.commit] = logged.commit_info
        return named

    @asked_again
    def graph_since(self, since: str, commit: str, path: str) -> CommitGraph | None:
        """The commits that `commit` contains and `since` does not, with what they did below `path`.

        One process; none when both are the same.

        Returns:
            None when `commit` did not go on from `since`: history was rewritten, or `since` is not there any
            more, so that what was known of it may not be true any longer. Where these commits did more than
            is read, all of them without what they did, see `CommitGraph.cut`.

        Raises:
            SourceError: one of them is no whole commit id, or git did not answer.
        """
        tip, span = self._checked(commit), f"{self._checked(since)}...{commit}"
        if tip == since:
            return CommitGraph(commit, ())
        path = plumbing.inside(path)
        try:
            shared, cut = self._shared_span(since, commit, path), None
            logged = self._log_of(span, path) if shared is None else shared.commits_below(path)
        except BudgetError as error:
            logged, cut = self._bare(span), f"what the commits after {since[:12]} did is not told: {error}"
        newer = None if logged is None else git_log.went_on(logged)
        return None if newer is None else CommitGraph(commit, newer, self._entries, cut)

    @asked_again
    def some_commits(self, commits: Sequence[str], path: str) -> CommitGraph:
        """These commits with what they did below `path`, by one process; entries of others are looked up.

        Raises:
            BudgetError: they did more than is read.
            SourceError: one of them is not there, or git failed.
        """
        fed = as_lines(map(self._checked, commits))
        where = plumbing.pathspec(plumbing.inside(path))
        with self._backend.commands.stream(*git_log.LOG, *git_log.SOME, *where, feed=fed) as output:
            logged = list(git_log.commits(output.pieces(), self._budgets))
            return CommitGraph(commits[0], logged, self._entries)

    def number_of_commits(self, commit: str) -> int:
        """How many commits lead to this one, itself included.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        return int(self._backend.commands.run("rev-list", "--count", self._checked(commit), "--"))

    @contextmanager
    def graph(self, commit: str, paths: Collection[str], *, whole: bool = False) -> Iterator[CommitGraph]:
        """Every commit that leads to `commit`, with what it did to these files, or below these folders.

        One process for a few paths, whose log is read only as far back as needed; two for many, and for
        a log that is read to its end, which then tells children before parents. It ends where there is more
        than is read, see `CommitGraph.cut`.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        few = not whole and len(paths) <= _FEW and plumbing.fit_arguments(paths)
        # files by name where they are few: what else a commit did beside them is not even told
        where = plumbing.pathspec(*(paths if few else (plumbing.inside(plumbing.common_folder(paths)),)))
        if whole or len(paths) > _FEW:
            yield self._whole_graph(commit, where)
            return
        try:
            with self._backend.commands.stream(
                *git_log.LOG, self._checked(commit), *where, accept=None
            ) as output:
                yield CommitGraph(commit, self._logged(output))
        except GitError:
            self._backend.replace()  # what was read already cannot be asked again here: the next cycle does
            raise

    @asked_again
    def _whole_graph(self, commit: str, where: tuple[str, ...]) -> CommitGraph:
        commands, logged = self._backend.commands, list[git_log.Commit]()
        try:
            with commands.stream(*git_log.GRAPH, self._checked(commit), "--") as output:
                lines, cut = git_log.newest(output.pieces(), self._budgets)
            with closing(self._changes_of(lines, where)) as pieces:
                logged.extend(git_log.joined(lines, git_log.commits(pieces, self._budgets)))
        except BudgetError as error:
            cut = str(error)
            while logged and not logged[-1].deltas:  # of these git may not have told any more
                logged.pop()
        return CommitGraph(commit, logged, cut=cut)

    def _changes_of(self, lines: Sequence[str], where: tuple[str, ...]) -> Generator[bytes, None, None]:
        """The output of git for the commits of these lines, in parts: a process keeps what it has printed."""
        for start in range(0, len(lines), _COMMITS_A_PROCESS):
            fed = git_log.diff_tree_input(lines[start : start + _COMMITS_A_PROCESS])
            with self._backend.commands.stream(*git_log.DIFF_TREE, *where, feed=fed, in_bulk=True) as output:
                yield from output.pieces()

    def _logged(self, output: GitProcess) -> Iterator[git_log.Commit]:
        """The commits of a log with what they did to files that were named, however long their paths.

        At its end, where it is read to there, it is certain that git told all of it.
        """
        yield from git_log.commits(output.pieces(), self._budgets._replace(path=sys.maxsize))
        self._backend.commands.require_success(output)

    def _bare(self, span: str) -> list[git_log.Commit] | None:
        """The commits without what they did; None also where that is more than is read."""
        with suppress(BudgetError):
            return self._between(*git_log.BARE, *git_log.BOTH_SIDES, span, "--")
        return None

    def _entries(self, commit: str, paths: Collection[str]) -> dict[str, str | None]:
        """The entry (`mode id`) of each path at a commit."""
        entries = {path: f"{file.mode} {file.blob}" for path, file in self.files(commit, paths).items()}
        return {path: entries.get(path) for path in paths}


# --- where history is cut off --------------------------------------------------------------------------
# A commit whose parents were cut off (a shallow clone) still names them. So what lies beyond is known one
# step further than what is there, and sometimes all the way: nothing that comes before a commit can come
# after it.

_REACHED = ("rev-list", "--ignore-missing")
_HEAD = 1024 * 1024  # bytes of one commit that are kept
_RAW = ("cat-file", "--batch", "--buffer")


def _goes_on(
    commands: Commands, commit: str, earlier: str, cut_off: frozenset[str], before: Collection[str]
) -> bool | None:
    """Whether `commit`, from which `earlier` cannot be reached, goes on from it beyond the cut.

    None where that cannot be told. `commit` is there, `earlier` need not be; the parents of `cut_off` were
    cut off, and `before` are known to be ancestors of `earlier`. Raises SourceError.
    """
    ends = cut_off.intersection(_reached(commands, commit, f"^{earlier}"))
    beyond = frozenset(_parents_of(commands, ends))
    if earlier in beyond:
        return True
    past = _reached(commands, earlier)
    past |= frozenset(_parents_of(commands, cut_off & past))
    return None if beyond - past - frozenset(before) else False


def _parents_of(commands: Commands, commits: Iterable[str]) -> list[str]:
    """The parents that these commits name themselves, whatever was cut off. Raises SourceError."""
    asked = sorted(commits)
    if not asked:
        return []
    ids: list[str] = []
    with commands.stream(*_RAW, feed=as_lines(asked)) as output:
        reader = io.BufferedReader(output)
        for _ in asked:
            words = reader.readline().split()
            if words[1:2] == [b"commit"]:
                head = _read(reader, int(words[2]) + 1).partition(b"\n\n")[0]
                lines = head.decode("ascii", "replace").splitlines()
                ids += [line[7:] for line in lines if line.startswith("parent ")]
        reader.read(1)
    return ids


def _read(reader: io.BufferedReader[GitProcess], size: int) -> bytes:
    """The beginning of so many bytes, in which all parents stand; the rest is passed over."""
    head = reader.read(min(size, _HEAD))
    left = size - len(head)
    while left > 0 and (passed := reader.read(min(left, _HEAD))):
        left -= len(passed)
    return head


def _reached(commands: Commands, *revisions: str) -> frozenset[str]:
    return frozenset(commands.text(*_REACHED, *revisions, "--").split())
