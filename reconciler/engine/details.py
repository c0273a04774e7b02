"""The details of models, where one that cannot be read costs nobody else anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from reconciler.engine.concurrency import Setbacks, gather_limited
from reconciler.errors import NotFound, RegistryError, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from reconciler.engine.ports import Registry


@dataclass(frozen=True, slots=True)
class Details:
    """What was read; models that are gone are in neither.

    Attributes:
        unread: why a detail could not be read, by model id.
        busy: which of those the registry was only too busy to tell, and the seconds it asks to wait.
    """

    read: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    busy: dict[str, float] = field(default_factory=dict)


async def details_of(registry: Registry, model_ids: Iterable[str], in_flight: int) -> Details:
    """The details of several models, a few at a time.

    Raises:
        RegistryError: credentials were refused, or the registry cannot be reached at all.
    """
    details, setbacks = Details(), Setbacks()

    async def one(model_id: str) -> None:
        if setbacks.given_up:
            details.unread[model_id] = f"not asked for, after others failed: {setbacks.last}"
            details.busy.update(_busy(model_id, setbacks.last))
            return
        try:
            details.read[model_id] = await registry.detail(model_id)
        except NotFound:
            return
        except RegistryError as error:
            setbacks.failed(error)
            details.unread[model_id] = str(error)
            details.busy.update(_busy(model_id, error))
        else:
            setbacks.passed()

    await gather_limited(dict.fromkeys(model_ids), one, in_flight)
    return details


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


def _busy(model_id: str, error: RegistryError | None) -> dict[str, float]:
    busy = isinstance(error, RegistryUnavailable) and (error.status in _BUSY or error.retry_after)
    return {model_id: error.retry_after or _BREATH} if error is not None and busy else {}


_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_BREATH = 5.0  # seconds; the vendor's gateway advises 2 to 5 where it says nothing by Retry-After
_LONGEST_WAIT = 300.0
