"""Imports that are not final yet, and what the registry says became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.details import details_of
from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase, Stage
from reconciler.errors import ReconcilerError, RegistryError, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.clock import Timing
    from reconciler.engine.ports import Registry
    from reconciler.engine.recorder import Recorder
    from reconciler.engine.stragglers import Stragglers

_FEW = 16  # models followed one by one; above, one list of all is cheaper


@dataclass(frozen=True, slots=True)
class Follower:
    """Asks after one target's unfinished imports."""

    recorder: Recorder
    registry: Registry
    timing: Timing

    def unfinished(self) -> list[LedgerEntry]:
        """Registered models whose last known status is not final."""
        return self.recorder.pending(Phase.REGISTERED)

    async def once(self) -> None:
        """Asks once what became of each unfinished import, and records what changed."""
        entries = self.unfinished()
        statuses = await self._statuses([entry.model_id for entry in entries if entry.model_id])
        answers = ((entry, statuses.get(entry.model_id or "")) for entry in entries)
        events = (self._event(entry, status) for entry, status in answers if status is not None)
        await self.recorder.record([event for event in events if event is not None])

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

    def _event(self, entry: LedgerEntry, status: str) -> Event | None:
        """The news of one import; None when nothing has changed, neither the word nor what it means."""
        stage = self.registry.vendor.stage(status)
        if (entry.model_status, entry.stage) == (status, stage):
            return None
        kind = STATUS_EVENTS[stage]
        return self.recorder.about(entry, kind, model_id=entry.model_id, model_status=status, stage=stage)


async def follow_all(followers: Mapping[str, Follower], stragglers: Stragglers) -> ReconcilerError | None:
    """Asks once of every target, by name, side by side; the error of the first that could not be asked."""
    errors: list[ReconcilerError] = []

    async def follow(follower: Follower) -> bool:
        try:
            await follower.once()
        except (RegistryError, TargetUnusable) as error:  # the other targets are asked all the same
            errors.append(error)
            return False
        return True

    able = {name: follower for name, follower in followers.items() if name not in stragglers}
    await stragglers.take("following", {name: follow(follower) for name, follower in able.items()})
    return errors[0] if errors else None


STATUS_EVENTS = {
    Stage.PENDING: EventKind.STATUS,
    Stage.PUBLISHED: EventKind.PUBLISHED,
    Stage.FAILED: EventKind.FAILED,
}
"""The journal's word for a status that the registry reports."""
