"""`retry`: frees a failed or held pair for another attempt, and takes a failed model out of the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.details import details_of
from reconciler.engine.values import Event, EventKind, Phase, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.options import Target
    from reconciler.engine.ports import Journal


@dataclass(frozen=True, slots=True)
class Blockers:
    """A pair that one target holds back.

    Attributes:
        failed_models: ids of registered models that the registry says failed; deleting them is part of the
            release.
        live_models: ids of registered models that have not failed; there is nothing to retry while there are.
    """

    target: Target
    pair: ModelKey
    failed_models: tuple[str, ...] = ()
    live_models: tuple[str, ...] = ()


async def blockers(target: Target, pair: ModelKey, ledger: Journal) -> Blockers | None:
    """What holds the pair back in this target; None when the target knows nothing of it.

    A model that is remembered is also asked for by id: lists may lag behind. What is registered for an import
    whose outcome is still unknown holds nothing back: the next cycle settles it.

    Raises:
        RegistryError: the registry could not be asked.
    """
    entry = ledger.entry(target.name, pair)
    listed = {model.model_id: model.status for model in await target.registry.find(pair)}
    remembered = [entry.model_id] if entry is not None and entry.model_id else []
    details = await details_of(target.registry, [*listed, *remembered], 1)
    vendor, status = target.registry.vendor, listed | dict.fromkeys(details.unread.keys() - listed.keys())
    status |= {
        model_id: vendor.status(detail) or listed.get(model_id) for model_id, detail in details.read.items()
    }
    if entry is None and not status:
        return None
    failed = tuple(model_id for model_id, word in status.items() if vendor.stage(word) is Stage.FAILED)
    live = tuple(model_id for model_id in status if model_id not in failed)
    is_open = entry is not None and entry.phase is Phase.INTENDED
    return Blockers(target, pair, failed, () if is_open else live)


async def retry(
    blocked: Blockers, ledger: Journal, clock: Clock, heard: Callable[[Event], None], actor: str | None = None
) -> None:
    """Deletes the failed models, then allows another attempt; each step is journalled after it happened.

    An import whose outcome is still unknown is not released: the next cycle settles it first.

    Raises:
        Rejected: the registry refused to delete, for the reason in the message; nothing was released then.
    """
    cycle_id = clock.new_id()

    def record(kind: EventKind, detail: str, model_id: str | None = None) -> None:
        entry = ledger.entry(blocked.target.name, blocked.pair)
        event = Event(
            clock.now(),
            kind,
            blocked.target.name,
            blocked.pair,
            cycle_id,
            commit=entry.commit if entry else None,
            model_id=model_id,
            detail=detail,
            actor=actor,
        )
        ledger.append([event])
        heard(event)

    for model_id in blocked.failed_models:
        await blocked.target.registry.delete(model_id)
        record(EventKind.DELETED, "the failed model was removed by `retry`", model_id)
    entry = ledger.entry(blocked.target.name, blocked.pair)
    if entry is not None and entry.phase not in (Phase.RELEASED, Phase.INTENDED):
        record(EventKind.RELEASED, "released by `retry`")
