"""Where manifests and their history come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.trust import Hold
    from reconciler.engine.values import File, Snapshot


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

    def judged(self, commit: str) -> Hold | None:
        """Why this commit would not be trusted if it were the newest; None when it would."""

    def vouched(self, commit: str) -> str | None:
        """Who vouches for a commit that was reconciled, in words; None where nobody has to."""

    def resolve(self, revision: str) -> str:
        """The commit id of any revision that exists here."""

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
