"""From a registry to what the planner needs: models and details; one that cannot be read costs no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from reconciler.engine.concurrency import FailureBudget, gather_limited
from reconciler.engine.planner_input import PlannerInput, group_by_pair
from reconciler.engine.values import EventKind, ObservedModel, Phase
from reconciler.errors import NotFound, RegistryError, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry


K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class Answers(Generic[K, V]):
    """What a registry said of each thing that it was asked about; what is gone is in neither.

    Attributes:
        unread: why it could not be told.
        busy: which of those the registry was only too busy to tell, and the seconds it asks to wait.
        failure: the last there was.
    """

    read: dict[K, V] = field(default_factory=dict)
    unread: dict[K, str] = field(default_factory=dict)
    busy: dict[K, float] = field(default_factory=dict)
    failure: RegistryError | None = None


Details = Answers[str, Mapping[str, Any]]
"""The details of models by id."""


async def ask_each(
    things: Iterable[K],
    ask: Callable[[K], Awaitable[V]],
    in_flight: int,
    gone: type[RegistryError] | tuple[()] = (),
) -> Answers[K, V]:
    """Asks about each thing, a few at a time; no more once many in a row could not be told.

    Raises:
        RegistryError: credentials were refused, or the registry cannot be reached at all.
    """
    answers, failures = Answers[K, V](), FailureBudget()

    async def one(thing: K) -> None:
        if failures.given_up:
            answers.unread[thing] = f"not asked for, after others failed: {failures.last}"
            answers.busy.update(_busy(thing, failures.last))
            return
        try:
            answers.read[thing] = await ask(thing)
        except gone:
            return
        except RegistryError as error:
            failures.failed(error)
            answers.unread[thing], answers.failure = str(error), error
            answers.busy.update(_busy(thing, error))
        else:
            failures.passed()

    await gather_limited(dict.fromkeys(things), one, in_flight)
    return answers


async def details_of(registry: Registry, model_ids: Iterable[str], in_flight: int) -> Details:
    """The details of several models. Raises as `ask_each` does."""
    return await ask_each(model_ids, registry.detail, in_flight, gone=NotFound)


async def all_details_of(
    registry: Registry,
    model_ids: Iterable[str],
    in_flight: int,
    waits: Callable[[float], Awaitable[None]],
) -> Details:
    """As `details_of`, for whoever has the time: a registry that is too busy is asked again later.

    It is given up when it has told nothing new in `_LONGEST_WAIT` seconds of waiting. Raises RegistryError.
    """
    details = await details_of(registry, model_ids, in_flight)
    waited = 0.0
    while details.busy and waited < _LONGEST_WAIT:
        pause = max(details.busy.values())
        await waits(pause)
        more = await details_of(registry, tuple(details.busy), in_flight)
        waited = 0.0 if more.read else waited + pause
        still = {one: why for one, why in details.unread.items() if one not in details.busy}
        details = Details(details.read | more.read, still | more.unread, more.busy)
    return details


def _busy(thing: K, error: RegistryError | None) -> dict[K, float]:
    busy = isinstance(error, RegistryUnavailable) and (error.status in _BUSY or error.retry_after)
    return {thing: error.retry_after or _BREATH} if error is not None and busy else {}


_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_BREATH = 5.0  # seconds; the vendor's gateway advises 2 to 5 where it says nothing by Retry-After
_LONGEST_WAIT = 300.0


_ONE_BY_ONE = 250  # so many are asked for one by one; above that, one list of all is cheaper


async def observe(
    registry: Registry, inputs: PlannerInput, *, only: frozenset[ModelKey] | None, in_flight: int
) -> tuple[PlannerInput, Mapping[str, Mapping[str, Any]]]:
    """The inputs with what the registry has, and the details that were asked for on the way, by model id.

    A model that is remembered but not listed is asked for by id before anyone calls it missing: lists may
    lag behind. One that cannot be asked for is taken to be there still.

    Args:
        registry: the target's.
        inputs: what is declared and remembered.
        only: the pairs to look at: one by one when they are few; None for all there are.
        in_flight: how many questions at once.
    """
    by_id = {
        entry.model_id: entry.pair
        for entry in inputs.entries.values()
        if entry.phase is Phase.REGISTERED
        and entry.pair in inputs.desired.manifests
        and entry.model_id is not None
        and entry.last is not EventKind.MISSING
    }
    by_id |= {model_id: pair for pair, model_id in inputs.uncompared_ids.items()}
    if only is None or len(only) > _ONE_BY_ONE:
        listed = await registry.list_models()
        models = [model for model in listed if only is None or model.pair in only]
        listed_ids = {model.model_id for model in models} if by_id else ()
        # after the list: it may show a model late, or no more, whose detail still tells that it is there
        details = await details_of(registry, [one for one in by_id if one not in listed_ids], in_flight)
        models += _there(details, by_id)
        return replace(inputs, observed=group_by_pair(models), unread=details.unread), details.read
    # by id first: only what has no model that way is looked for by name, in a list that may lag behind
    details = await details_of(registry, by_id, in_flight)
    models = _there(details, by_id)
    named = await ask_each(sorted(only - {model.pair for model in models}), registry.find, in_flight)
    if named.failure is not None and not named.read:  # that is the registry, and no model of it
        raise named.failure
    models += chain(*named.read.values())
    return replace(
        inputs, observed=group_by_pair(models), unread=details.unread, unasked=named.unread
    ), details.read


def _there(details: Details, by_id: Mapping[str, ModelKey]) -> list[ObservedModel]:
    return [ObservedModel(model_id, by_id[model_id]) for model_id in (*details.read, *details.unread)]
