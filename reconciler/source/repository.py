"""Committed content of one branch: the `Source` port."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from reconciler.budgets import DEFAULTS
from reconciler.engine.graph import CommitGraph
from reconciler.engine.values import File, Snapshot
from reconciler.errors import BudgetError, SourceError, UnknownRevisionError
from reconciler.printable import printable
from reconciler.source import ancestry, difference, log, tree
from reconciler.source.address import parse_remote
from reconciler.source.commands import GitError, ProcessCounter
from reconciler.source.local import LocalRepository
from reconciler.source.refs import is_object_id
from reconciler.source.span import Span
from reconciler.source.text import bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from reconciler.budgets import Budgets
    from reconciler.engine.trust import Hold
    from reconciler.engine.values import CommitInfo
    from reconciler.source.backend import Backend
    from reconciler.source.notes import Notes
    from reconciler.source.process import GitProcess
    from reconciler.source.surroundings import Trait
    from reconciler.source.trust import Trust

P = ParamSpec("P")
T = TypeVar("T")

_NO_COMMIT = "Not a valid commit name"
_SEVERAL = 2  # targets
_READ_AHEAD = 256 * 1024  # bytes
_FEW = 100  # files that may all be found near the beginning of a log, so that no list of all commits is made
_RESOLVED_OR_NOT = frozenset({0, 1})
_RELATED_OR_NOT = frozenset({0, 1})


def open_source(  # noqa: PLR0913 - what a configuration says about its source
    repo: str,
    *,
    branch: str | None,
    cache_dir: Path,
    base: Path,
    setting: str = "",
    timeout: float = 60.0,
    paths: Sequence[str] = (),
    budgets: Budgets = DEFAULTS,
) -> GitSource:
    """The committed content of one branch of a repository. Starts nothing and contacts nobody yet.

    Args:
        repo: a folder, relative to `base`: a work tree, any folder inside one, or a bare repository; or a URL
            (`file://`, `ssh://`, `https://`, `user@host:path`, and `http://` to a loopback address).
        branch: the branch to follow; None for the repository's HEAD.
        cache_dir: holds the bare mirrors of URLs.
        base: what a relative folder starts from, absolute.
        setting: what named the repository, in words for a person.
        timeout: seconds that git may stay silent before it is ended.
        paths: folders inside the repository that are reconciled; `notes` counts changes in these only.
        budgets: how much is read of what a commit declares, and of history.

    Raises:
        SourceError: no repository is there, or its URL is refused.
    """
    counter = ProcessCounter()
    remote = parse_remote(repo)
    shown = remote.shown if remote else printable(repo)
    followed = {"source.repo": shown, "source.branch": printable(branch or "HEAD")}
    if remote is not None:
        from reconciler.source.mirror import Mirror  # noqa: PLC0415 - most repositories are folders

        mirror = Mirror(remote, branch, cache_dir, timeout=timeout, counter=counter, heap=budgets.git_memory)
        return GitSource(mirror, followed=followed, counter=counter, paths=paths, budgets=budgets)
    heap = budgets.git_memory
    local = LocalRepository(base / repo, branch, setting=setting, timeout=timeout, counter=counter, heap=heap)
    return GitSource(local, followed=followed, counter=counter, paths=paths, budgets=budgets)


def _asked_again(ask: Callable[Concatenate[GitSource, P], T]) -> Callable[Concatenate[GitSource, P], T]:
    """Asks once more where what git could not read was replaced by something sound."""

    @wraps(ask)
    def asked(self: GitSource, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return ask(self, *args, **kwargs)
        except GitError:
            if not self._origin.replace():
                raise
            return ask(self, *args, **kwargs)

    return asked


class GitSource:
    """Committed content of one branch; implements `reconciler.engine.ports.Source`.

    Nothing is read from a work tree and nothing is checked out: files are read by blob id from the object
    store, so that what a commit id names is what is seen, whatever happens meanwhile. Each method starts git
    processes of its own and ends them, so that one may be used while another's result is still being read.
    """

    def __init__(
        self,
        origin: Backend,
        *,
        followed: Mapping[str, str],
        counter: ProcessCounter,
        paths: Sequence[str] = (),
        budgets: Budgets = DEFAULTS,
    ) -> None:
        self._origin = origin
        self._followed = followed
        self._tally = counter
        self._paths = tuple(tree.inside(path) for path in paths)
        self._trust: Trust | None = None
        self._budgets = budgets
        self._span: Span | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def commands(self) -> int:
        """How many git processes were started so far."""
        return self._tally.started

    def head(self) -> str:
        """The commit id that the branch has now; once trust is required, the last one that is trusted.

        Local: reads a file or two. Remote: one `ls-remote`, and a fetch when the answer is new. A commit is
        judged once.

        Raises:
            GuardError: no commit is trusted, or nothing is to be done while the newest is not.
            SourceError: no such branch, no commit, or a remote that cannot be reached (see `last_head`).
        """
        newest = self._origin.head()
        return newest if self._trust is None else self._accepted(self._trust, newest)

    def require(self, trust: Trust) -> None:
        """Has `head` give only commits that are trusted, from now on; `trust` is closed with this.

        Raises:
            ConfigurationError: the keys lie in the repository.
        """
        trust.require_outside(self._origin.layout)
        self._trust = trust

    def held(self) -> Hold | None:
        """Why `head` gave another commit than the branch's newest; None when it gave the newest."""
        return None if self._trust is None else self._trust.hold

    @_asked_again
    def judged(self, commit: str) -> Hold | None:
        """Why this commit would not be trusted if it were the newest; None when it would.

        Raises:
            ConfigurationError: the keys cannot be used.
            SourceError: the commit is not there, or git failed.
        """
        if self._trust is None:
            return None
        return self._trust.judged(self._checked(commit), self._origin.commands, self._origin.layout)

    def vouched(self, commit: str) -> str | None:
        """Who vouches for a commit that was reconciled, in words; None where nobody has to."""
        return None if self._trust is None else self._trust.vouched(commit)

    def last_head(self) -> str | None:
        """The last commit that `head` could give, for going on while a remote is away.

        A mirror remembers it from process to process; None when there is none.
        """
        return self._origin.last_head()

    @_asked_again
    def resolve(self, revision: str) -> str:
        """The commit id of any revision that exists here.

        Raises:
            UnknownRevisionError: no commit goes by that name.
            SourceError: git failed.
        """
        commit = ""
        if revision and "\0" not in revision:
            arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            printed = self._origin.commands.run(*arguments, accept=_RESOLVED_OR_NOT)
            commit = printed.decode(errors="replace").strip()
        if not is_object_id(commit):
            raise UnknownRevisionError(
                f"{self._origin.named}: no commit is called '{printable(revision)}'; give a commit id, a "
                "branch or a tag that this repository has"
            )
        return commit

    def followed(self) -> Mapping[str, str]:
        """What is followed, by the names of the settings that say so; without secrets."""
        return self._followed

    def is_shallow(self) -> bool:
        """Whether history is cut off, so that not every ancestor of a commit is there."""
        return self._origin.layout.is_shallow

    @_asked_again
    def parents(self, commit: str) -> Sequence[str]:
        """The parents that the commit itself names, whether they are there or not.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        return ancestry.parents(self._origin.commands, [self._checked(commit)])

    @_asked_again
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
        commands, commits = self._origin.commands, (self._checked(commit), self._checked(earlier))
        try:
            printed = commands.run("merge-base", *commits, accept=_RELATED_OR_NOT)
        except GitError as error:
            if _NO_COMMIT not in error.stderr:
                raise
            printed = b""
        if printed.decode(errors="replace").strip() == earlier:
            return True
        cut_off = self._origin.layout.shallow()
        return ancestry.goes_on(commands, *commits, cut_off, before) if cut_off else False

    @_asked_again
    def merge_base(self, commit: str, other: str) -> str | None:
        """The newest commit from which both go on; None where there is none, or history is cut off before it.

        Raises:
            SourceError: one of them is no whole commit id, or git failed.
        """
        commits = (self._checked(commit), self._checked(other))
        printed = self._origin.commands.run("merge-base", *commits, accept=_RELATED_OR_NOT)
        return printed.decode(errors="replace").strip() or None

    @_asked_again
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

    @_asked_again
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

    @_asked_again
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

    @_asked_again
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
            self._origin.commands.stream(*log.NAMED, feed=_lines(ids)) as output,
        ):
            for logged in log.commits(output.pieces(), self._budgets):
                named[logged.commit] = logged.commit_info
        return named

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

        Args:
            blobs: object ids that git told.
            at_most: bytes; larger contents come as if they were empty.

        Raises:
            SourceError: a blob is missing or damaged, or git failed.
        """
        sizes = self._sizes(tuple(blobs))
        yield from ((blob, b"") for blob, size in sizes.items() if size > at_most)
        yield from self.read(blob for blob, size in sizes.items() if size <= at_most)

    @_asked_again
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
        path = tree.inside(path)
        try:
            shared, cut = self._shared_span(since, commit, path), None
            logged = self._log_of(span, path) if shared is None else shared.commits_below(path)
        except BudgetError as error:
            logged, cut = self._bare(span), f"what the commits after {since[:12]} did is not told: {error}"
        newer = None if logged is None else log.went_on(logged)
        return None if newer is None else CommitGraph(commit, newer, self._entries, cut)

    @_asked_again
    def some_commits(self, commits: Sequence[str], path: str) -> CommitGraph:
        """These commits with what they did below `path`; what others hold is looked up. One process.

        Raises:
            BudgetError: they did more than is read.
            SourceError: one of them is not there, or git failed.
        """
        fed = _lines(map(self._checked, commits))
        where = tree.pathspec(tree.inside(path))
        with self._origin.commands.stream(*log.LOG, *log.SOME, *where, feed=fed) as output:
            logged = list(log.commits(output.pieces(), self._budgets))
            return CommitGraph(commits[0], logged, self._entries)

    def number_of_commits(self, commit: str) -> int:
        """How many commits lead to this one, itself included.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        return int(self._origin.commands.run("rev-list", "--count", self._checked(commit), "--"))

    @contextmanager
    def graph(self, commit: str, paths: Collection[str], *, whole: bool = False) -> Iterator[CommitGraph]:
        """Every commit that leads to `commit`, with what it did to these files, or below these folders.

        One process for a few paths, whose log is read only as far back as needed; two for many, and for
        a log that is read to its end, which then tells children before parents. It ends where there is more
        than is read, see `CommitGraph.cut`.

        Raises:
            SourceError: the commit is not there, or git failed.
        """
        few = not whole and len(paths) <= _FEW and tree.fit_arguments(paths)
        # files by name where they are few: what else a commit did beside them is not even told
        where = tree.pathspec(*(paths if few else (tree.inside(tree.common_folder(paths)),)))
        if whole or len(paths) > _FEW:
            yield self._whole_graph(commit, where)
            return
        try:
            with self._origin.commands.stream(*log.LOG, self._checked(commit), *where, accept=None) as output:
                yield CommitGraph(commit, self._logged(output))
        except GitError:
            self._origin.replace()  # what was read already cannot be asked again here: the next cycle does
            raise

    def notes(self) -> Sequence[str]:
        """Facts a person should know: uncommitted changes, a detached HEAD, a shallow clone."""
        return self._origin.notes(self._paths)

    def described(self) -> str:
        """What is followed, in words for a person."""
        return self._origin.followed()

    def surroundings(self) -> Sequence[Trait]:
        """What is unusual about the repository, and whether it needs a look.

        Raises:
            SourceError: git could not be read.
        """
        return self._origin.surroundings()

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders in which something changes when a local branch moves; none for a remote.

        To be watched without what lies below them; the set may change with each change seen.
        """
        return self._origin.watch_paths()

    def notes_at(self, ref: str) -> Notes:
        """The notes of a ref in the repository itself, which are pushed nowhere; closed by the caller."""
        from reconciler.source.notes import Notes  # noqa: PLC0415 - only where they are configured

        return Notes(self._origin.commands, ref)

    def tidy(self) -> None:
        """Packs a mirror, at most once a day; to be called when nothing else is to be done.

        Raises:
            SourceError: git failed.
        """
        self._origin.tidy()

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self._origin.close()
        if self._trust is not None:
            self._trust.close()

    def _checked(self, commit: str) -> str:
        """`commit`, once it is certain that it cannot be taken for an option."""
        if not is_object_id(commit):
            raise SourceError(f"{self._origin.named}: '{printable(commit)}' is not a whole commit id")
        return commit

    @_asked_again
    def _accepted(self, trust: Trust, newest: str) -> str:
        return trust.accepted(newest, self._origin.commands, self._origin.layout)

    @_asked_again
    def _whole_graph(self, commit: str, where: tuple[str, ...]) -> CommitGraph:
        commands, logged = self._origin.commands, list[log.Commit]()
        try:
            with commands.stream(*log.GRAPH, self._checked(commit), "--") as output:
                lines, cut = log.newest(output.pieces(), self._budgets)
            with commands.stream(*log.TOLD, *where, feed=log.fed(lines), in_bulk=True) as output:
                logged.extend(log.joined(lines, log.commits(output.pieces(), self._budgets)))
        except BudgetError as error:
            cut = str(error)
            while logged and not logged[-1].deltas:  # of these git may not have told any more
                logged.pop()
        return CommitGraph(commit, logged, cut=cut)

    def _logged(self, output: GitProcess) -> Iterator[log.Commit]:
        """The commits of a log with what they did to files that were named, however long their paths.

        At its end, where it is read to there, it is certain that git told all of it.
        """
        yield from log.commits(output.pieces(), replace(self._budgets, path=sys.maxsize))
        self._origin.commands.require_success(output)

    @_asked_again
    def _sizes(self, blobs: Collection[str]) -> dict[str, int]:
        """Bytes of each content; no process is started when there is none."""
        if not blobs:
            return {}
        with self._origin.commands.stream(*tree.MEASURED, feed=_lines(blobs)) as output:
            printed = b"".join(output.pieces())
        return dict(zip(blobs, tree.sizes(printed), strict=True))

    def _entries(self, commit: str, paths: Collection[str]) -> dict[str, str | None]:
        """The entry (`mode id`) of each path at a commit."""
        entries = {path: f"{file.mode} {file.blob}" for path, file in self.files(commit, paths).items()}
        return {path: entries.get(path) for path in paths}

    def _listed(self, where: str, *arguments: str) -> list[File]:
        with self._origin.commands.stream(*tree.LISTED, *arguments) as output:
            return tree.files(output.pieces(), self._budgets, printable(where) or "the repository")

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

    def _bare(self, span: str) -> list[log.Commit] | None:
        """The commits without what they did; None also where that is more than is read."""
        with suppress(BudgetError):
            return self._between(*log.BARE, *log.BOTH_SIDES, span, "--")
        return None

    def _contents(self, blobs: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        with self._origin.commands.stream("cat-file", "--batch", "--buffer", feed=_lines(blobs)) as output:
            reader = io.BufferedReader(output, _READ_AHEAD)
            for blob in blobs:
                content = tree.content(reader)
                if content is None:
                    self._origin.commands.require_success(output)
                    raise GitError(
                        f"{self._origin.named}: object {blob} is missing, or no file's content; "
                        "run `git fsck` there, or clone it anew"
                    )
                yield blob, content
            reader.read(1)


def _lines(object_ids: Iterable[str]) -> bytes:
    return "".join(f"{object_id}\n" for object_id in object_ids).encode("ascii")
