"""Imports that are not final yet, and what the registry says became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.details import details_of
from reconciler.engine.values import EventKind, LedgerEntry, Phase, Stage

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.engine.clock import Timing
    from reconciler.engine.ports import Registry
    from reconciler.engine.recorder import Recorder

_FEW = 16  # models followed one by one; above, one list of all is cheaper


@dataclass(frozen=True, slots=True)
class Follower:
    """Asks after one target's unfinished imports."""

    recorder: Recorder
    registry: Registry
    timing: Timing

    def unfinished(self) -> list[LedgerEntry]:
        """Registered models whose last known status is not final."""
        restless = self.recorder.ledger.pending(self.recorder.target)
        return [entry for entry in restless if entry.phase is Phase.REGISTERED]

    async def once(self) -> None:
        """Asks once what became of each unfinished import, and records what changed."""
        entries = self.unfinished()
        statuses = await self._statuses([entry.model_id for entry in entries if entry.model_id])
        changed = [(entry, statuses.get(entry.model_id or "")) for entry in entries]
        await self.recorder.record(
            [
                self.recorder.about(entry, self._kind(status), model_id=entry.model_id, model_status=status)
                for entry, status in changed
                if status is not None and status != entry.model_status
            ]
        )

    async def _statuses(self, model_ids: Collection[str]) -> dict[str, str | None]:
        """The status of each model by id: from its detail, and where that cannot be read from the list."""
        if not model_ids:
            return {}
        statuses: dict[str, str | None] = {}
        if len(model_ids) <= _FEW:
            details = await details_of(self.registry, model_ids, self.timing.in_flight)
            status_of = self.registry.vendor.status
            statuses = {model_id: status_of(detail) for model_id, detail in details.read.items()}
            if not details.unread:
                return statuses
        return {model.model_id: model.status for model in await self.registry.list_models()} | statuses

    def _kind(self, status: str) -> EventKind:
        return STATUS_EVENTS[self.registry.vendor.stage(status)]


STATUS_EVENTS = {
    Stage.PENDING: EventKind.STATUS,
    Stage.PUBLISHED: EventKind.PUBLISHED,
    Stage.FAILED: EventKind.FAILED,
}
"""The journal's word for a status that the registry reports."""
