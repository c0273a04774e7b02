"""Imports, exactly once: intent to disk, one POST, result to disk; what is unknown is settled by looking.

A POST has three answers: made, certainly not made, and unknown. An unknown one is never repeated before the
registry was asked for the pair, twice, with a settling wait between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.contract import comparable, lifecycle
from reconciler.engine.bounded import each
from reconciler.engine.drift import differences, fields_of
from reconciler.engine.values import Entry, Event, EventKind, Item, Phase
from reconciler.errors import (
    AlreadyExists,
    NotFound,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
    Rejected,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.contract.pair import Pair
    from reconciler.engine.clock import Clock, Policy
    from reconciler.engine.journal import Journal
    from reconciler.engine.ports import Registry
    from reconciler.engine.values import Difference, ObservedModel
    from reconciler.manifest import Manifest

_FEW = 16  # models followed one by one; above, one list of all is cheaper


@dataclass(frozen=True, slots=True)
class Executor:
    """Acts on one target during one cycle. Every step it takes is an event on disk before the next begins.

    Attributes:
        drifts: how models that were found registered instead of imported differ from their manifests.
    """

    target: str
    cycle_id: str
    registry: Registry
    journal: Journal
    clock: Clock
    policy: Policy
    drifts: dict[Pair, tuple[Difference, ...]] = field(default_factory=dict)
    _intended: dict[Pair, Event] = field(default_factory=dict)

    async def import_all(self, items: Sequence[Item], manifests: Mapping[Pair, Manifest]) -> None:
        """Imports each item, a few at a time; stops starting new ones when asked to stop.

        Raises:
            RegistryError: credentials, endpoint or project were refused; what was in flight is recorded, and
                nothing else is tried.
        """

        async def one(item: Item) -> None:
            if item.pair is not None and not self.clock.stopping():
                await self._import(item, manifests[item.pair])

        await each(items, one, self.policy.in_flight)

    async def settle_all(self, manifests: Mapping[Pair, Manifest]) -> None:
        """Settles every intent that has no result: what a crash or an unknown answer left behind."""
        open_intents = [e for e in self.journal.ledger.restless(self.target) if e.phase is Phase.INTENDED]

        async def one(entry: Entry) -> None:
            await self.settle(entry.pair, manifests.get(entry.pair))

        await each(open_intents, one, self.policy.in_flight)

    async def settle(self, pair: Pair, manifest: Manifest | None) -> bool:
        """Finds out whether the pair is registered, adopts or reports it; False when it certainly is not.

        When the process is to stop, the settling wait may have been cut short: then what was not found stays
        open, and the next run settles it.
        """
        found = await self._look_twice(pair)
        if not found and self.clock.stopping():
            return True
        if not found:
            await self._record(pair, EventKind.NOT_FOUND, detail="looked for twice and not registered")
            return False
        await self._adopt(found[0], manifest)
        return True

    async def follow(self) -> None:
        """Polls unfinished imports until all are final, the deadline passes or the process is to stop."""
        deadline = self.clock.later(self.policy.follow_deadline)
        wait = self.policy.follow_first
        while self.unfinished() and not self.clock.stopping() and self.clock.now() < deadline:
            await self.clock.sleep(wait)
            await self.follow_once()
            wait = min(self.policy.follow_max, wait * 1.5)

    async def follow_once(self) -> None:
        """Asks once what became of each unfinished import and records what changed."""
        entries = self.unfinished()
        if len(entries) > _FEW:
            statuses = {model.model_id: model.status for model in await self.registry.list_models()}
        else:
            ids = [entry.model_id for entry in entries if entry.model_id]
            details = await inspect(self.registry, ids, self.policy.in_flight)
            statuses = {model_id: _text(detail.get("model_status")) for model_id, detail in details.items()}
        changed = [(entry, statuses.get(entry.model_id or "")) for entry in entries]
        await self.journal.record(
            [
                self._event(
                    entry.pair,
                    status_event(status),
                    model_id=entry.model_id,
                    model_status=status,
                    **_origin(entry),
                )
                for entry, status in changed
                if status is not None and status != entry.model_status
            ]
        )

    def unfinished(self) -> list[Entry]:
        """Registered models whose last known status is not final."""
        return [
            entry for entry in self.journal.ledger.restless(self.target) if entry.phase is Phase.REGISTERED
        ]

    async def _import(self, item: Item, manifest: Manifest) -> None:
        """One import: at most two POSTs, the second only when the first is settled as not made."""
        unknown: OutcomeUnknown | None = None
        for _ in range(2):
            await self._intend(item, manifest)
            try:
                created = await self.registry.create(manifest.request)
            except AlreadyExists as error:
                await self._taken(manifest, error)
            except Rejected as error:
                await self._record(manifest.pair, EventKind.REJECTED, error)
            except OutcomeUnknown as error:
                await self._record(manifest.pair, EventKind.UNKNOWN, error)
                if not await self._settled(manifest):
                    unknown = error
                    continue
            except RegistryUnavailable as error:
                await self._postpone(manifest.pair, error)
            except (
                RegistryError
            ) as error:  # credentials, endpoint or project: the target's fault, not the manifest's
                await self._postpone(manifest.pair, error)
                raise
            else:
                await self._record(
                    manifest.pair,
                    EventKind.IMPORTED,
                    model_id=created.model_id,
                    request_id=created.request_id,
                    model_status="publishing",
                )
            return
        await self._postpone(manifest.pair, unknown)

    async def _settled(self, manifest: Manifest) -> bool:
        """Whether an unknown outcome is settled as made; one that cannot be asked about stays open."""
        try:
            return await self.settle(manifest.pair, manifest)
        except (RegistryUnavailable, OutcomeUnknown):
            return True

    async def _taken(self, manifest: Manifest, error: AlreadyExists) -> None:
        """409: somebody, perhaps this program in an earlier life, registered the pair."""
        found = await self._look_twice(manifest.pair)
        if found:
            await self._adopt(found[0], manifest)
        else:
            await self._record(manifest.pair, EventKind.UNKNOWN, error)

    async def _look_twice(self, pair: Pair) -> Sequence[ObservedModel]:
        found = await self.registry.find(pair)
        if not found:
            await self.clock.sleep(self.policy.settle)
            found = await self.registry.find(pair)
        return found

    async def _adopt(self, model: ObservedModel, manifest: Manifest | None) -> None:
        """Takes a registered model for ours when it is equal; otherwise says how it differs."""
        detail = await self.registry.detail(model.model_id)
        status = _text(detail.get("model_status")) or model.status
        facts: dict[str, Any] = {"model_id": model.model_id, "model_status": status}
        if manifest is None:
            await self._record(
                model.pair, EventKind.ADOPTED, detail="found registered; declared no more", **facts
            )
            return
        declared, registered = comparable(manifest.request, detail)
        if declared == registered:
            await self._record(model.pair, EventKind.ADOPTED, digest=manifest.digest, **facts)
        else:
            diff = self.drifts[model.pair] = differences(declared, registered)
            told = f"registered with other content: {fields_of(diff)}"
            await self._record(model.pair, EventKind.DRIFTED, detail=told, **facts)

    async def _intend(self, item: Item, manifest: Manifest) -> None:
        await self._record(
            manifest.pair,
            EventKind.IMPORT_REQUESTED,
            operation_id=self.clock.new_id(),
            digest=manifest.digest,
            commit=item.commit,
            path=item.path,
            line=item.line,
            author=item.author,
        )

    async def _postpone(self, pair: Pair, error: RegistryError | None) -> None:
        entry = self.journal.ledger.entry(self.target, pair)
        wait = self.policy.backoff(
            entry.attempts if entry else 1, self.clock.chance(), error.retry_after if error else None
        )
        await self._record(pair, EventKind.POSTPONED, error, not_before=self.clock.later(wait))

    async def _record(
        self,
        pair: Pair,
        kind: EventKind,
        error: RegistryError | None = None,
        **facts: Any,  # noqa: ANN401
    ) -> None:
        if error is not None:
            facts = {"code": error.reason, "detail": str(error), "request_id": error.request_id, **facts}
        if kind is EventKind.IMPORT_REQUESTED:
            event = self._intended[pair] = self._event(pair, kind, **facts)
        else:
            event = self._event(pair, kind, **self._declared(pair) | facts)
        await self.journal.record([event])

    def _event(self, pair: Pair, kind: EventKind, **facts: Any) -> Event:  # noqa: ANN401
        return Event(self.clock.now(), kind, self.target, pair, self.cycle_id, **facts)

    def _declared(self, pair: Pair) -> dict[str, Any]:
        """Which commit this event belongs to, as remembered: the journal is joined with the log by it."""
        known = self._intended.get(pair) or self.journal.ledger.entry(self.target, pair)
        return {} if known is None else _origin(known)


def _origin(known: Event | Entry) -> dict[str, Any]:
    return {
        "operation_id": known.operation_id,
        "commit": known.commit,
        "path": known.path,
        "line": known.line,
    }


async def inspect(
    registry: Registry, model_ids: Iterable[str], in_flight: int
) -> dict[str, Mapping[str, Any]]:
    """The details of several models, a few at a time; those that are gone are left out."""
    details: dict[str, Mapping[str, Any]] = {}

    async def one(model_id: str) -> None:
        try:
            details[model_id] = await registry.detail(model_id)
        except NotFound:
            return

    await each(dict.fromkeys(model_ids), one, in_flight)
    return details


def status_event(status: str) -> EventKind:
    """The journal's word for a status the registry reports."""
    return {"published": EventKind.PUBLISHED, "failed": EventKind.FAILED}.get(
        lifecycle(status), EventKind.STATUS
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
