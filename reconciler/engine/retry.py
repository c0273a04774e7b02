"""`retry`: who declares a pair, and what holds it back; frees it, and removes a model of it that failed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.manifest_parser import conflict_reasons
from reconciler.engine.observe import details_of
from reconciler.engine.target_run import RECONCILED, REPOSITORY
from reconciler.engine.values import Event, EventKind, Phase, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.ports import Journal, Marks
    from reconciler.engine.ports.git import Source
    from reconciler.engine.target import Target
    from reconciler.manifest import Reason


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


async def blockers(target: Target, pair: ModelKey, journal: Journal) -> Blockers | None:
    """What holds the pair back in this target; None when the target knows nothing of it.

    A model that is remembered is also asked for by id: lists may lag behind. What is registered for an import
    whose outcome is still unknown holds nothing back: the next cycle settles it. Raises RegistryError.
    """
    entry = journal.entry(target.name, pair)
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
    blocked: Blockers,
    journal: Journal,
    clock: Clock,
    on_event: Callable[[Event], None],
    actor: str | None = None,
) -> None:
    """Deletes the failed models, then allows another attempt; each step is journalled after it happened.

    An import whose outcome is still unknown is not released: the next cycle settles it first.

    Raises:
        Rejected: the registry refused to delete, for the reason in the message; nothing was released then.
    """
    cycle_id = clock.new_id()

    def record(kind: EventKind, detail: str, model_id: str | None = None) -> None:
        entry = journal.entry(blocked.target.name, blocked.pair)
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
        journal.append([event])
        on_event(event)

    for model_id in blocked.failed_models:
        await blocked.target.registry.delete(model_id)
        record(EventKind.DELETED, "the failed model was removed by `retry`", model_id)
    entry = journal.entry(blocked.target.name, blocked.pair)
    if entry is not None and entry.phase not in (Phase.RELEASED, Phase.INTENDED):
        record(EventKind.RELEASED, "released by `retry`")


@dataclass(frozen=True, slots=True)
class DeclaringTargets:
    """What manifests say of one pair.

    Attributes:
        targets: the names of the targets in which exactly one valid manifest declares it.
        obstacles: why others do not: they claim it more than once, or are invalid.
    """

    targets: frozenset[str]
    obstacles: tuple[Reason, ...] = ()


def declaring_targets(
    source: Source, marks: Marks, targets: Iterable[Target], commit: str, pair: ModelKey
) -> DeclaringTargets:
    """What the manifests of all targets say of the pair at a commit."""
    reconciled = marks.marks(REPOSITORY).get(RECONCILED)
    declaring: set[str] = set()
    obstacles: list[Reason] = []
    for target in targets:
        state = desired_state(
            source, target.index, target.parser, commit, with_last_commits=False, reconciled=reconciled
        )
        desired = state.desired([pair])
        if pair in desired.manifests:
            declaring.add(target.name)
            continue
        obstacles += conflict_reasons(pair, desired.conflicts.get(pair, ()))[:1]
        obstacles += [
            reason
            for document in desired.invalid
            if (document.model_name, document.model_version) == tuple(pair)
            for reason in document.reasons
            if reason.severity == "error"
        ]
    return DeclaringTargets(frozenset(declaring), tuple(dict.fromkeys(obstacles)))
