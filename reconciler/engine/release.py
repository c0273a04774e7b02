"""`retry`: frees a failed or held pair for another attempt, and takes a failed model out of the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.contract import lifecycle
from reconciler.engine.execute import inspect
from reconciler.engine.values import Event, EventKind, Phase
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.contract.pair import Pair
    from reconciler.engine.clock import Clock
    from reconciler.engine.cycle import Target
    from reconciler.engine.ports import Ledger


@dataclass(frozen=True, slots=True)
class Held:
    """A pair that one target holds back.

    Attributes:
        failed_models: ids of registered models that the registry says failed; deleting them is part of the
            release.
    """

    target: Target
    pair: Pair
    failed_models: tuple[str, ...] = ()


async def held(target: Target, pair: Pair, ledger: Ledger) -> Held | None:
    """What holds the pair back in this target; None when the target knows nothing of it.

    Raises:
        ReconcilerError: the pair is registered and has not failed: there is nothing to retry.
        RegistryError: the registry could not be asked.
    """
    entry = ledger.entry(target.name, pair)
    models = await target.registry.find(pair)
    details = await inspect(target.registry, [model.model_id for model in models], 1)
    failed = tuple(
        model.model_id
        for model in models
        if lifecycle(_status(details.get(model.model_id, {}).get("model_status"), model.status)) == "failed"
    )
    if models and len(failed) < len(models):
        raise ReconcilerError(
            f"{pair} is registered in target {target.name} and has not failed: there is nothing to retry. "
            "New content needs a new version"
        )
    if entry is None and not models:
        return None
    return Held(target, pair, failed)


async def release(found: Held, ledger: Ledger, clock: Clock, heard: Callable[[Event], None]) -> None:
    """Deletes the failed models, then allows another attempt; each step is journalled after it happened.

    Raises:
        Rejected: the registry refused to delete, for the reason in the message; nothing was released then.
    """
    cycle_id = clock.new_id()

    def record(kind: EventKind, detail: str, model_id: str | None = None) -> None:
        entry = ledger.entry(found.target.name, found.pair)
        event = Event(
            clock.now(),
            kind,
            found.target.name,
            found.pair,
            cycle_id,
            commit=entry.commit if entry else None,
            model_id=model_id,
            detail=detail,
        )
        ledger.append([event])
        heard(event)

    for model_id in found.failed_models:
        await found.target.registry.delete(model_id)
        record(EventKind.DELETED, "the failed model was removed by `retry`", model_id)
    entry = ledger.entry(found.target.name, found.pair)
    if entry is not None and entry.phase is not Phase.RELEASED:
        record(EventKind.RELEASED, "released by `retry`")


def _status(told: object, listed: str | None) -> str | None:
    return told if isinstance(told, str) else listed
