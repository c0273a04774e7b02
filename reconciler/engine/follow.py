"""Imports that are not final yet, and what the registry says became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from reconciler.engine.clock import due_at
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
        """Asks once what became of each unfinished import, and records what changed.

        One that is gone is missing from then on: nobody would wait for it any longer.
        """
        entries = self.unfinished()
        seen = await self._seen([entry.model_id for entry in entries if entry.model_id])
        events = [self._event(entry, seen) for entry in entries]
        await self.recorder.record([event for event in events if event is not None])

    async def _seen(self, model_ids: Collection[str]) -> Seen:
        """Of few models the details, of many the list; each makes up for what the other does not tell."""
        listed = await self._listed() if len(model_ids) > _FEW else {}
        # what is not listed is asked for by its id: a list may show a model late
        asked = [model_id for model_id in model_ids if model_id not in listed]
        details = await details_of(self.registry, asked, self.timing.in_flight)
        status_of = self.registry.vendor.status
        read = {model_id: status_of(detail) for model_id, detail in details.read.items()}
        gone = frozenset(asked) - read.keys() - details.unread.keys()
        if (details.unread or gone) and not listed:  # gone is, as for the planner, what neither of both has
            listed = await self._listed()
        return Seen(listed | read, gone - listed.keys())

    async def _listed(self) -> dict[str, str | None]:
        return {model.model_id: model.status for model in await self.registry.list_models()}

    def _event(self, entry: LedgerEntry, seen: Seen) -> Event | None:
        """The news of one import; None when nothing has changed, neither the word nor what it means."""
        if entry.model_id in seen.gone:
            settled = entry.updated_at + timedelta(seconds=self.timing.settle)
            missing = self.recorder.about(entry, EventKind.MISSING, model_id=entry.model_id)
            return missing if due_at(settled, entry.updated_at, missing.at) <= missing.at else None
        status = seen.statuses.get(entry.model_id or "")
        if status is None:
            return None
        stage = self.registry.vendor.stage(status)
        if (entry.model_status, entry.stage) == (status, stage):
            return None
        kind = STATUS_EVENTS[stage]
        return self.recorder.about(entry, kind, model_id=entry.model_id, model_status=status, stage=stage)


class Seen(NamedTuple):
    """What a registry tells of some models, by id: the status of each, or that it has no such model."""

    statuses: Mapping[str, str | None]
    gone: frozenset[str]


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
