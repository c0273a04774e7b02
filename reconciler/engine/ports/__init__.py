"""What the engine asks of the world: registries, and what is remembered between cycles.

The registry is asynchronous; memory, as git (`reconciler.engine.ports.git`), is synchronous. All raise only
what `reconciler.errors` draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import (
        Created,
        CycleAnswer,
        CycleRequest,
        Event,
        LedgerEntry,
        ObservedModel,
        Report,
        Verdict,
        VerdictKey,
    )
    from reconciler.engine.vendor import Vendor
    from reconciler.manifest import Manifest, Reason


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
        """Makes one import call; its request is sent again only with proof that it was not carried out.

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
    """What other processes ask of the one that holds the state; `Ledger.poll` gives what waits."""

    def take(self, request: CycleRequest) -> bool:
        """Takes a request on; False when it was withdrawn, or taken on by a process that has ended since."""

    def answer(self, request: CycleRequest, answer: CycleAnswer) -> None:
        """Tells whoever asked what became of it."""


class Journal(Protocol):
    """What happened, append-only, and the entries folded from it. One writer, any number of readers."""

    def append(self, events: Sequence[Event]) -> Sequence[Event]:
        """Journals the events and folds them into the entries, in one transaction, on disk on return.

        Where there are leases, an event without `expected` is journalled only while the lease of its target
        is held by its epoch; a release is always.

        An event is left out whose `expected` is no longer the version of its pair's entry: another process
        has changed the entry meanwhile. Gives those that were journalled.

        Raises:
            LeaseLost: none of them was journalled.
        """

    def events(self, target: str | None = None, pair: ModelKey | None = None) -> Sequence[Event]:
        """The journal, or what it tells of one pair, oldest first."""

    def entries(
        self, target: str, pairs: Collection[ModelKey] | None = None
    ) -> Mapping[ModelKey, LedgerEntry]:
        """The ledger of one target: of these pairs, or of all."""

    def entry(self, target: str, pair: ModelKey) -> LedgerEntry | None:
        """The ledger's row for one pair."""

    def pending(self, target: str) -> Sequence[LedgerEntry]:
        """The entries of one target that are not at rest (see `at_rest`); cheap when few."""

    def versions(self, target: str, names: Collection[str]) -> Collection[ModelKey]:
        """Everything that was seen registered, or was ever journalled, under these names."""

    def by_manifest_path(self, target: str, paths: Collection[str]) -> Collection[ModelKey]:
        """The pairs that were last acted on because of one of these files."""

    def position(self) -> int:
        """A number that grows with each event journalled, by whichever process; 0 for an empty journal."""

    def newest(self) -> datetime | None:
        """When the newest event was journalled, by its writer's clock; None for an empty journal."""


class ModelStates(Protocol):
    """The newest verdict on each model, of which a cycle over some models leaves the others as they are."""

    def counted(self) -> Mapping[tuple[str, Verdict], int]:
        """How many models have each verdict, by target."""

    def are_fewer(self, target: str, number: int) -> bool:
        """Whether a target has fewer verdicts than this; no more of them are looked at."""

    def since(self, target: str, pairs: Collection[ModelKey] | None) -> Mapping[VerdictKey, datetime]:
        """Since when the verdicts of one target stand: on these pairs and on what is invalid, or on all."""

    def not_at_rest(self, target: str) -> Collection[ModelKey]:
        """The pairs whose last verdict may change although neither git nor the registry does."""

    def uncompared(self, target: str, limit: int) -> Sequence[ModelKey]:
        """Pairs that were seen registered and not compared yet; so many at most."""

    def uncompared_ids(self, target: str, pairs: Collection[ModelKey]) -> Mapping[ModelKey, str]:
        """Of these pairs, those that were seen registered and not compared yet, with their models' ids."""


class Reports(Protocol):
    """What the last cycles came to, and of which commits they were."""

    def reconciling(self, commit: str, at: datetime) -> None:
        """Says which commit the cycle that begins is of; remembered with the next thing that is written."""

    def save_report(
        self,
        report: Report,
        judged: Mapping[str, Collection[ModelKey] | None],
        marks: Mapping[tuple[str, str], str],
        epochs: Mapping[str, int | None] | None = None,
    ) -> None:
        """Remembers the newest report, for `status`, in one transaction; what is known is not written.

        In the same transaction, what it tells the sinks is put into the outbox. `judged` are by target the
        pairs that the report speaks of; None where it speaks of everything. What is invalid is always spoken
        of; any other pair, and a target that is left out, is remembered as it was. So is a target that
        somebody else leads by now: `epochs` are of the leases under which each was worked on.
        """

    def summary(self) -> Report | None:
        """The newest report in numbers, without its models; None when no cycle has finished."""

    def last_report(self, *, whole: bool = True) -> Report | None:
        """The newest report, or None when no cycle has finished.

        Without the whole, models in sync are only counted.
        """


class Marks(Protocol):
    """Small facts that are remembered about a target, such as when it was last observed in full."""

    def marks(self, target: str) -> Mapping[str, str]:
        """Small facts remembered about a target, such as when it was last observed in full."""

    def mark(self, target: str, name: str, value: str) -> None:
        """Remembers one such fact; writes nothing when it is what is remembered already."""


class Ledger(Journal, ModelStates, Reports, Marks, Protocol):
    """The whole memory of one process."""

    @property
    def requests(self) -> Requests:
        """What other processes ask."""

    def poll(self, now: datetime) -> tuple[int, Sequence[CycleRequest]]:
        """The position, and the requests that nobody has answered: all that a tick with nothing to do asks.

        Oldest first, without those that expired untaken.
        """
