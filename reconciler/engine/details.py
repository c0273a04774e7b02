"""The details of models, where one that cannot be read costs nobody else anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from reconciler.engine.concurrency import Setbacks, gather_limited
from reconciler.errors import NotFound, RegistryError, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

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
    answers, setbacks = Answers[K, V](), Setbacks()

    async def one(thing: K) -> None:
        if setbacks.given_up:
            answers.unread[thing] = f"not asked for, after others failed: {setbacks.last}"
            answers.busy.update(_busy(thing, setbacks.last))
            return
        try:
            answers.read[thing] = await ask(thing)
        except gone:
            return
        except RegistryError as error:
            setbacks.failed(error)
            answers.unread[thing], answers.failure = str(error), error
            answers.busy.update(_busy(thing, error))
        else:
            setbacks.passed()

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
