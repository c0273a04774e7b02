"""What files said at the commit reconciled last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import (
        FileChange,
        HistoryUpdate,
        LastCommit,
        ManifestRef,
        ParsedFile,
    )


class KeptHistory(Protocol):
    """Which commits a branch has, and what they did to each model's document, up to one commit."""

    def base(self) -> str | None:
        """The commit up to which it is kept; None when it is not."""

    def changes(
        self, names: Collection[str] | None = None, version: str | None = None, commit: str | None = None
    ) -> Iterator[tuple[ModelKey, FileChange]]:
        """What commits did, of these models or of all; each model's changes newest first."""

    def places(self, commits: Collection[str]) -> Mapping[str, int]:
        """Where these commits stand in the branch, as far as it has them; see `reconciler.engine.graph`."""

    def number(self) -> int:
        """How many commits the branch has."""

    def some(self, beginning: str, limit: int) -> Sequence[str]:
        """Some of its commits, those whose ids come next after a beginning of one, in order."""

    def save(self, commit: str, update: HistoryUpdate) -> None:
        """Keeps the whole history of the commit whose files the index holds."""


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

    @property
    def history(self) -> KeptHistory:
        """What is kept of the history of the branch: a door of its own."""

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
        commits; None throws the history away.
        """
