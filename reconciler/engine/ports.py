"""What the engine asks of the world. Each port is implemented by one room of the same name.

The registry is asynchronous; git and the state are synchronous (git runs in one worker thread).
All raise only what `reconciler.errors` draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.outbox import Outbox
    from reconciler.engine.values import (
        CommitInfo,
        Created,
        CycleAnswer,
        CycleRequest,
        Event,
        File,
        FileChange,
        HistoryUpdate,
        LastCommit,
        LedgerEntry,
        ManifestRef,
        ObservedModel,
        ParsedFile,
        Reconciled,
        Report,
        Snapshot,
        Verdict,
        VerdictKey,
    )
    from reconciler.engine.vendor import Vendor
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
    """Which commits a branch has, and what they did to each model's document, up to one commit."""

    def base(self) -> str | None:
        """The commit up to which it is kept; None when it is not."""

    def changes(
        self, name: str | None = None, version: str | None = None, commit: str | None = None
    ) -> Iterator[tuple[ModelKey, FileChange]]:
        """What commits did, of these models or of all; each model's changes newest first."""

    def attributions(self, commits: Collection[str]) -> Mapping[str, CommitInfo]:
        """Who made these commits, as far as the branch has them and they touched the target's files."""

    def names(self) -> Collection[str]:
        """Every model name that a commit did anything to."""

    def places(self, commits: Collection[str]) -> Mapping[str, int]:
        """Where these commits stand in the branch, as far as it has them; see `reconciler.engine.graph`."""

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

    def parsed_files(self, paths: Collection[str] | None) -> Iterator[ParsedFile]:
        """What these files say, as far as they are held; None takes all."""

    def naming(self, paths: Collection[str]) -> Iterator[ParsedFile]:
        """The files that name one of these as their configuration."""

    def blobs(self) -> Iterator[tuple[str, str]]:
        """Every file that is held, with its object id."""

    def faulty(self) -> Iterator[ParsedFile]:
        """The files in which something is invalid."""

    def declarations(self, pairs: Collection[ModelKey] | None) -> Iterator[ManifestRef]:
        """Who declares these pairs; None takes all."""

    def named(self, names: Collection[str]) -> Iterator[ManifestRef]:
        """Who declares a version of one of these names."""

    def last_commits(self, paths: Collection[str] | None) -> Iterator[tuple[tuple[str, int], LastCommit]]:
        """Who gave the documents of these files the content they have, by path and line."""

    def number(self, without: Collection[str]) -> int:
        """How many documents and files declare something, or fail to; without those of some files."""

    def forget(self) -> None:
        """Holds nothing from now on."""

    @property
    def history(self) -> KeptHistory:
        """What is kept of the history of the branch."""

    def save_history(self, update: HistoryUpdate) -> None:
        """Keeps the whole history of the commit whose files it holds."""

    def save(
        self,
        commit: str,
        changed: Mapping[str, ParsedFile | None],
        *,
        whole: bool,
        history: HistoryUpdate | None = None,
    ) -> None:
        """Holds from now on what the files of this commit say, all or none of it.

        Args:
            commit: the new base.
            changed: what differs, with None for what is gone.
            whole: `changed` is everything: what was held before is forgotten.
            history: what the commits since the old base did, or all commits; None throws the history away.
        """


class Registry(Protocol):
    """One project of one model registry."""

    @property
    def vendor(self) -> Vendor:
        """Whose registry it is: known before it can be reached."""

    async def list_models(self) -> Sequence[ObservedModel]:
        """Every model of the project, each id once."""

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        """The models whose name and version are exactly these (none or one, unless the registry errs)."""

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        """The vendor's detail of one model, as it came. Raises NotFound."""

    async def create(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> Created:
        """Sends one import call, once.

        Args:
            request: the body.
            intent: awaited once, after the rate limit, a free slot and a login have been waited for, and
                directly before the call is sent; what it raises is raised, and nothing is sent. The call's
                timeout runs from before it. Not awaited when it is known already that nothing will be sent.

        Raises:
            AlreadyExists: the pair is taken.
            Rejected: not made, and never will be as it stands.
            RegistryUnavailable: certainly not made; may be tried later (`retry_after` seconds if said).
            OutcomeUnknown: may or may not have been made.
            Unauthorised: certainly not made; the whole target stops.
            RegistryError: certainly not made: the endpoint or the project is wrong.
        """

    async def delete(self, model_id: str) -> None:
        """Deletes one model; a model that does not exist is success. Raises Rejected when refused."""

    async def aclose(self) -> None:
        """Closes connections; safe to call twice."""


class Preflight(Protocol):
    """Looks at what an import would make a model from, before it is asked for."""

    async def __call__(self, manifest: Manifest) -> tuple[Reason, ...]:
        """Doubts as warnings, and what must stop the import as errors. Raises ConfigurationError."""


class Requests(Protocol):
    """What other processes ask of the one that holds the state."""

    def pending(self, now: datetime) -> Sequence[CycleRequest]:
        """The requests that nobody has answered, oldest first, without those that expired untaken."""

    def take(self, request: CycleRequest) -> bool:
        """Takes a request on; False when it was withdrawn, or taken on by a process that has ended since."""

    def answer(self, request: CycleRequest, answer: CycleAnswer) -> None:
        """Tells whoever asked what became of it."""


class Ledger(Protocol):
    """The memory: entries folded from an append-only journal. One writer, any number of readers."""

    @property
    def requests(self) -> Requests:
        """What other processes ask."""

    @property
    def outbox(self) -> Outbox:
        """Messages that are to be sent."""

    def entries(
        self, target: str, pairs: Collection[ModelKey] | None = None
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The ledger of one target: of these pairs, or of all."""

    def pending(self, target: str) -> Sequence[LedgerEntry]:
        """The entries of one target that are not at rest (see `reconciler.engine.fold`); cheap when few."""

    def entry(self, target: str, pair: ModelKey) -> LedgerEntry | None:
        """The ledger's row for one pair."""

    def append(self, events: Sequence[Event]) -> Sequence[Event]:
        """Journals the events and folds them into the entries, in one transaction, on disk on return.

        Where there are leases, an event without `asked` is journalled only while the lease of its target is
        held by its epoch; a release is always.

        An event whose `asked` is no longer what its pair's entry is, is left out: while its question was
        under way, another process changed the entry. Gives those that were journalled.

        Raises:
            LeaseLost: none of them was journalled.
        """

    def events(
        self,
        target: str | None = None,
        pair: ModelKey | None = None,
        *,
        name: str | None = None,
        commit: str | None = None,
    ) -> Sequence[Event]:
        """The journal, or what it tells of one pair, of one name or because of one commit, oldest first."""

    def pairs_of(self, target: str, model_id: str) -> Collection[ModelKey]:
        """The pairs whose model ever had this id."""

    def entries_at(
        self, target: str, position: int | None, moment: datetime
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The entries of one target as the journal told them up to an event (None: the last) and a moment."""

    def reconciling(self, commit: str, at: datetime) -> None:
        """Says which commit the cycle that begins is of; remembered with the next thing that is written."""

    def reconciled(self, commit: str) -> Reconciled | None:
        """The last time that this commit was the one reconciled; None when it never was."""

    def reconciled_at(self, moment: datetime) -> Reconciled | None:
        """The commit that was the one reconciled at a moment; None before the first."""

    def position(self) -> int:
        """A number that grows with each event journalled, by whichever process; 0 for an empty journal."""

    def newest(self) -> datetime | None:
        """When the newest event was journalled, by its writer's clock; None for an empty journal."""

    def uncompared(self, target: str, limit: int) -> Sequence[ModelKey]:
        """Pairs that were seen registered and not compared yet; so many at most."""

    def uncompared_ids(self, target: str, pairs: Collection[ModelKey]) -> Mapping[ModelKey, str]:
        """Of these pairs, those that were seen registered and not compared yet, with their models' ids."""

    def by_manifest_path(self, target: str, paths: Collection[str]) -> Collection[ModelKey]:
        """The pairs that were last acted on because of one of these files."""

    def not_at_rest(self, target: str) -> Collection[ModelKey]:
        """The pairs whose last verdict may change although neither git nor the registry does."""

    def versions(self, target: str, names: Collection[str]) -> Collection[ModelKey]:
        """Everything that was seen registered, or was ever journalled, under these names."""

    def save_report(
        self,
        report: Report,
        judged: Mapping[str, Collection[ModelKey] | None],
        marks: Mapping[tuple[str, str], str],
        epochs: Mapping[str, int | None] | None = None,
    ) -> None:
        """Remembers the newest report, for `status`, in one transaction; what is known is not written.

        In the same transaction, what it tells the sinks is put into the outbox.

        Args:
            report: what is said of other pairs than those judged is remembered as it was.
            judged: by target, the pairs that the report speaks of; None where it speaks of everything. What
                is invalid is always spoken of. A target that is left out is remembered as it was.
            marks: facts to remember, by target and name.
            epochs: of the leases under which each target was worked on, where there are leases: a target
                that somebody else leads by now is left as it is remembered.
        """

    def last_report(self, *, whole: bool = True) -> Report | None:
        """The newest report, or None when no cycle has finished.

        Without the whole, models in sync are only counted.
        """

    def counted(self) -> Mapping[tuple[str, Verdict], int]:
        """How many models have each verdict, by target."""

    def since(self, target: str, pairs: Collection[ModelKey] | None) -> Mapping[VerdictKey, datetime]:
        """Since when the verdicts of one target stand: on these pairs and on what is invalid, or on all."""

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target, such as when it was last observed in full."""

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""

    def close(self) -> None:
        """Releases the writer's lock and the database; safe to call twice."""
