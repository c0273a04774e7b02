"""Where manifests and their history come from, and what files said at the commit reconciled last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.trust import Hold
    from reconciler.engine.values import (
        File,
        FileChange,
        HistoryUpdate,
        LastCommit,
        ManifestRef,
        ParsedFile,
        Snapshot,
    )


class Blobs(Protocol):
    """Where the bytes of files come from."""

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each blob, streamed in the order asked; of a repository, by one subprocess.

        Of files on disk, those that cannot be read are left out.
        """


class Source(Blobs, Protocol):
    """Committed content of one git repository. Used from one thread; always closed."""

    def head(self) -> str:
        """The commit to reconcile. Cheap: no subprocess for a local repository whose newest it was before."""

    def held(self) -> Hold | None:
        """Why `head` gave another commit than the branch's newest, which is not trusted; else None."""

    def vouched(self, commit: str) -> str | None:
        """Who vouches for a commit that was reconciled, in words; None where nobody has to."""

    def followed(self) -> Mapping[str, str]:
        """What is followed, by the names of the settings that say so; without secrets."""

    def is_shallow(self) -> bool:
        """Whether history is cut off, so that not every ancestor of a commit is there."""

    def parents(self, commit: str) -> Sequence[str]:
        """The parents that the commit itself names, whether they are there or not."""

    def contains(self, commit: str, earlier: str, before: Collection[str] = ()) -> bool | None:
        """Whether `earlier` is `commit` or one of its ancestors; False also when it is not there any more.

        None where history is cut off before that can be told. `before` are commits known to be ancestors of
        `earlier`: a history that goes on from these alone has lost it.
        """

    def snapshot(self, commit: str, path: str) -> Snapshot:
        """All files below `path` at `commit`."""

    def files(self, commit: str, paths: Collection[str]) -> Mapping[str, File]:
        """Those of exactly these paths that exist at the commit; one subprocess."""

    def changes(self, old: str, new: str, path: str) -> Mapping[str, File | None] | None:
        """What differs below `path` between two commits: files as they are at `new`, None where gone.

        None in all when that cannot be told file by file: the older commit is gone, or `path` is no directory
        in both, or very many differ.
        """

    def contents(self, blobs: Iterable[str], *, at_most: int) -> Iterator[tuple[str, bytes]]:
        """As `read`, for contents of any age: those of more bytes come as if they were empty."""

    def graph_since(self, since: str, commit: str, path: str) -> CommitGraph | None:
        """The commits that `commit` contains and `since` does not, with what they did below `path`.

        None when `commit` did not go on from `since`. Where it is `cut`, what they did is not told.
        """

    def graph(
        self, commit: str, paths: Collection[str], *, whole: bool = False
    ) -> AbstractContextManager[CommitGraph]:
        """Every commit that leads to `commit`, with what it did to these files or below these folders.

        `whole` says that all of it will be read: children come before their parents then.
        """

    def some_commits(self, commits: Sequence[str], path: str) -> CommitGraph:
        """These commits with what they did below `path`; what others hold is looked up."""

    def number_of_commits(self, commit: str) -> int:
        """How many commits lead to this one, itself included."""

    def notes(self) -> Sequence[str]:
        """Facts a person should know, such as uncommitted changes (never an input)."""

    def tidy(self) -> None:
        """Keeps what it holds on disk small, at most once a day; called when nothing else is to be done."""

    def close(self) -> None:
        """Releases everything; safe to call twice."""


class KeptHistory(Protocol):
    """Which commits a branch has, and what they did to each model's document, up to one commit; only read.

    It speaks of commits and of models that may be gone, and `Index` of files that are there. Nothing is
    written by it: it moves with the files of its target, in the transaction of `Index.save`.
    """

    def base(self) -> str | None:
        """The commit up to which it is kept; None when it is not."""

    def changes(
        self, names: Collection[str] | None = None, version: str | None = None, commit: str | None = None
    ) -> Iterator[tuple[ModelKey, FileChange]]:
        """What commits did, of these models or of all; each model's changes newest first."""

    def generations(self, commits: Collection[str]) -> Mapping[str, int]:
        """The generations of these commits, as far as the branch has them; see `reconciler.engine.graph`."""

    def number(self) -> int:
        """How many commits the branch has."""

    def some(self, beginning: str, limit: int) -> Sequence[str]:
        """Some of its commits, those whose ids come next after a beginning of one, in order."""


class Index(Protocol):
    """What every file of one target said at one commit: a cache, which may be lost at any time.

    Used from the thread that git runs in. Nothing it holds is believed for another edition, other rules or
    another directory than those it was made with.
    """

    def base(self) -> str | None:
        """The commit whose files it holds; None when it holds nothing."""

    def parsed_files(
        self,
        paths: Collection[str] | None = None,
        *,
        naming: Collection[str] | None = None,
        faulty: bool = False,
    ) -> Iterator[ParsedFile]:
        """What files say, as far as they are held: all, or those of one kind.

        Those at `paths`; those `naming` one of these as their configuration; or the `faulty`, in which
        something is invalid.
        """

    def declarations(
        self, pairs: Collection[ModelKey] | None = None, *, names: Collection[str] | None = None
    ) -> Iterator[ManifestRef]:
        """Who declares these pairs, or a version of one of these names; with neither, all that there is."""

    def last_commits(self, paths: Collection[str] | None) -> Iterator[tuple[tuple[str, int], LastCommit]]:
        """Who gave the documents of these files the content they have, by path and line."""

    def number(self, without: Collection[str]) -> int:
        """How many documents and files declare something, or fail to; without those of some files."""

    def save(
        self,
        commit: str | None,
        changed: Mapping[str, ParsedFile | None],
        *,
        whole: bool,
        history: HistoryUpdate | None = None,
    ) -> None:
        """Holds from now on what the files of this commit say, all or none of it.

        `changed` is what differs, with None for what is gone; the `whole` forgets what was held before. A
        commit of None holds nothing from now on. `history` is what the commits since the old base did, or all
        commits; None throws the `KeptHistory` away.
        """
