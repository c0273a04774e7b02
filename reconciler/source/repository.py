"""Committed content of one branch: the `Source` port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from reconciler.budgets import DEFAULTS, Budgets
from reconciler.errors import UnknownRevisionError
from reconciler.printable import printable
from reconciler.remote import parse_remote
from reconciler.source.backend import Backend, LocalRepository
from reconciler.source.commands import FOUND_OR_NOT, GitError
from reconciler.source.file_reader import asked_again
from reconciler.source.git_files import is_object_id
from reconciler.source.history_reader import HistoryReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from reconciler.engine.trust import Hold
    from reconciler.source.notes import Notes
    from reconciler.source.repository_traits import Trait
    from reconciler.source.trust import Trust


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
    """The committed content of one branch of a repository. Starts no process and opens no connection yet.

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
    remote, heap = parse_remote(repo), budgets.git_memory
    shown = remote.shown if remote else printable(repo)
    followed = {"source.repo": shown, "source.branch": printable(branch or "HEAD")}
    backend: Backend
    if remote is None:
        backend = LocalRepository(base / repo, branch, setting=setting, timeout=timeout, heap=heap)
    else:
        from reconciler.source.mirror import Mirror  # noqa: PLC0415 - most repositories are folders

        backend = Mirror(remote, branch, cache_dir, timeout=timeout, heap=heap)
    return GitSource(backend, followed=followed, paths=paths, budgets=budgets)


class GitSource(HistoryReader):
    """Committed content of one branch; implements `reconciler.engine.ports.Source`.

    Nothing is read from a work tree and nothing is checked out: files are read by blob id from the object
    store, so that what a commit id names is what is seen, whatever happens meanwhile. Each method starts git
    processes of its own and ends them, so that one may be used while another's result is still being read.
    """

    def __init__(
        self, backend: Backend, *, followed: Mapping[str, str], paths: Sequence[str], budgets: Budgets
    ) -> None:
        super().__init__(backend, budgets, paths)
        self._followed = followed
        self._trust: Trust | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def head(self) -> str:
        """The commit id that the branch has now; once trust is required, the last one that is trusted.

        Local: reads a file or two. Remote: one `ls-remote`, and a fetch when the answer is new. A commit is
        judged once.

        Raises:
            GuardError: no commit is trusted, or nothing is to be done while the newest is not.
            SourceError: no such branch, no commit, or a remote that cannot be reached (see `last_head`).
        """
        newest = self._backend.head()
        return newest if self._trust is None else self._accepted(self._trust, newest)

    def require(self, trust: Trust) -> None:
        """Has `head` give only commits that are trusted, from now on; `trust` is closed with this.

        Raises:
            ConfigurationError: the keys lie in the repository.
        """
        trust.bind(self._backend)
        self._trust = trust

    def held(self) -> Hold | None:
        """Why `head` gave another commit than the branch's newest; None when it gave the newest."""
        return None if self._trust is None else self._trust.hold

    @asked_again
    def judged(self, commit: str) -> Hold | None:
        """Why this commit would not be trusted if it were the newest; None when it would.

        Raises:
            ConfigurationError: the keys cannot be used.
            SourceError: the commit is not there, or git failed.
        """
        return None if self._trust is None else self._trust.judged(self._checked(commit))

    def vouched(self, commit: str) -> str | None:
        """Who vouches for a commit that was reconciled, in words; None where nobody has to."""
        return None if self._trust is None else self._trust.vouched(commit)

    def last_head(self) -> str | None:
        """The last commit that `head` could give, for going on while a remote is away.

        A mirror remembers it from process to process; None when there is none.
        """
        return self._backend.last_head()

    @asked_again
    def resolve(self, revision: str) -> str:
        """The commit id of any revision that exists here.

        Raises:
            UnknownRevisionError: no commit goes by that name.
            SourceError: git failed.
        """
        commit = ""
        if revision and "\0" not in revision:
            arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
            try:
                commit = self._backend.commands.text(*arguments, accept=FOUND_OR_NOT)
            except GitError as error:
                if (
                    error.stderr.strip()
                ):  # it fails in silence where a log of a branch does not go back so far
                    raise
        if not is_object_id(commit):
            raise UnknownRevisionError(
                f"{self._backend.named}: no commit is called '{printable(revision)}'; give a commit id, a "
                "branch or a tag that this repository has"
            )
        return commit

    def followed(self) -> Mapping[str, str]:
        """What is followed, by the names of the settings that say so; without secrets."""
        return self._followed

    def is_shallow(self) -> bool:
        """Whether history is cut off, so that not every ancestor of a commit is there."""
        return self._backend.layout.is_shallow

    def notes(self) -> Sequence[str]:
        """Facts a person should know: uncommitted changes, a detached HEAD, a shallow clone."""
        return self._backend.notes(self._paths)

    def cut_off(self) -> Sequence[str]:
        """What a person should know of a history that is cut off; nothing of a whole one."""
        return self._backend.cut_off()

    def described(self) -> str:
        """What is followed, in words for a person."""
        return self._backend.followed()

    def traits(self) -> Sequence[Trait]:
        """What is unusual about the repository, and whether it needs a look. Raises SourceError."""
        return self._backend.traits()

    def watch_paths(self) -> tuple[Path, ...]:
        """Folders in which something changes when a local branch moves; none for a remote.

        To be watched without what lies below them; the set may change with each change seen.
        """
        return self._backend.watch_paths()

    def location_paths(self) -> tuple[Path, ...]:
        """Folders in which a name changes when another repository is there, to be watched in the same way.

        What is written to the files in them says nothing: others keep theirs there, such as a log.
        """
        return self._backend.location_paths()

    def notes_at(self, ref: str) -> Notes:
        """The notes of a ref in the repository itself, which are pushed nowhere; closed by the caller."""
        from reconciler.source.notes import Notes  # noqa: PLC0415 - only where they are configured

        return Notes(self._backend.commands, self._backend.layout.git_dir, ref)

    def tidy(self) -> None:
        """Packs a mirror, at most once a day; to be called when nothing else is to be done.

        Raises:
            SourceError: git failed.
        """
        self._backend.tidy()

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self._backend.close()
        if self._trust is not None:
            self._trust.close()

    @asked_again
    def _accepted(self, trust: Trust, newest: str) -> str:
        return trust.accepted(newest)
