"""What the engine asks of the world. Each port is implemented by one room of the same name.

The registry is asynchronous; git and the state are synchronous (git runs in one worker thread).
All raise only what `reconciler.errors` draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, overload

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.pair import Pair
    from reconciler.engine.values import (
        Attribution,
        Created,
        Entry,
        Event,
        File,
        ObservedModel,
        Report,
        Snapshot,
        Touch,
    )
    from reconciler.manifest import Manifest, Reason


class Blobs(Protocol):
    """Where the bytes of files come from."""

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The bytes of each blob, streamed in the order asked; of a repository, by one subprocess."""


class Source(Blobs, Protocol):
    """Committed content of one git repository. Used from one thread; always closed."""

    def head(self) -> str:
        """The commit id that the wanted branch has now. Cheap: no subprocess for a local repository."""

    def resolve(self, revision: str) -> str:
        """The commit id of any revision that exists here."""

    def contains(self, commit: str, earlier: str) -> bool:
        """Whether `earlier` is `commit` or one of its ancestors; False also when it is not there any more."""

    def snapshot(self, commit: str, path: str) -> Snapshot:
        """All files below `path` at `commit`."""

    def files(self, commit: str, paths: Collection[str]) -> Mapping[str, File]:
        """Those of exactly these paths that exist at `commit` and are no directory."""

    def changes(self, old: str, new: str, path: str) -> Mapping[str, File | None] | None:
        """Every path below `path` whose entry differs between two commits: its file at `new`, None if gone.

        None when only a `snapshot` can tell: `old` is no commit of this repository any more, or `path` itself
        is or was no directory. Nothing is started when both commits are the same.
        """

    @overload
    def attribute(self, commit: str, blobs: Mapping[str, str | None]) -> Mapping[str, Attribution]: ...

    @overload
    def attribute(
        self, commit: str, blobs: Mapping[str, str | None], since: str
    ) -> Mapping[str, Attribution] | None: ...

    def attribute(
        self, commit: str, blobs: Mapping[str, str | None], since: str | None = None
    ) -> Mapping[str, Attribution] | None:
        """For each path, the newest commit reachable from `commit` that gave it its blob (None: deleted it).

        With `since`, only of the commits after it, and None when `commit` did not go on from it: then nothing
        that was known of `since` may be relied on.
        """

    def history(self, commit: str, root: str) -> Sequence[Touch]:
        """Every commit that touched a file below `root`, newest first, renames followed; one pass."""

    def notes(self) -> Sequence[str]:
        """Facts a person should know, such as uncommitted changes (never an input)."""

    def close(self) -> None:
        """Releases everything; safe to call twice."""


class Registry(Protocol):
    """One project of one model registry."""

    async def list_models(self) -> Sequence[ObservedModel]:
        """Every model of the project, each id once."""

    async def find(self, pair: Pair) -> Sequence[ObservedModel]:
        """The models whose name and version are exactly these (none or one, unless the registry errs)."""

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        """The vendor's detail of one model, as it came. Raises NotFound."""

    async def create(self, request: Mapping[str, Any]) -> Created:
        """Sends one import call, once.

        Raises:
            AlreadyExists: the pair is taken.
            Rejected: not made, and never will be as it stands.
            RegistryUnavailable: certainly not made; may be tried later (`retry_after` seconds if said).
            OutcomeUnknown: may or may not have been made.
            Unauthorised: certainly not made; the whole target stops.
            RegistryError: the endpoint or the project is wrong; the whole target stops.
        """

    async def delete(self, model_id: str) -> None:
        """Deletes one model; a model that does not exist is success. Raises Rejected when refused."""

    async def aclose(self) -> None:
        """Closes connections; safe to call twice."""


class Preflight(Protocol):
    """Looks at what an import would make a model from, before it is asked for."""

    async def __call__(self, manifest: Manifest) -> tuple[Reason, ...]:
        """Doubts as warnings, and what must stop the import as errors. Raises ConfigurationError."""


class Ledger(Protocol):
    """The memory: entries folded from an append-only journal. One writer, any number of readers."""

    def entries(self, target: str) -> Mapping[Pair, Entry]:
        """The ledger of one target."""

    def restless(self, target: str) -> Sequence[Entry]:
        """The entries of one target that are not at rest (see `reconciler.engine.fold`); cheap when few."""

    def entry(self, target: str, pair: Pair) -> Entry | None:
        """The ledger's row for one pair."""

    def append(self, events: Sequence[Event]) -> None:
        """Journals the events and folds them into the entries, in one transaction, on disk on return."""

    def events(self, target: str | None = None, pair: Pair | None = None) -> Sequence[Event]:
        """The journal, oldest first."""

    def position(self) -> int:
        """A number that grows with each event journalled, by whichever process; 0 for an empty journal."""

    def newest(self) -> datetime | None:
        """When the newest event was journalled, by its writer's clock; None for an empty journal."""

    def save_report(self, report: Report) -> None:
        """Remembers the newest report, for `status`."""

    def last_report(self) -> Report | None:
        """The newest report, or None when no cycle has finished."""

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target, such as when it was last observed in full."""

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""

    def close(self) -> None:
        """Releases the writer's lock and the database; safe to call twice."""
