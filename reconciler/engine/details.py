"""The details of models, where one that cannot be read costs nobody else anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.engine.concurrency import gather_limited
from reconciler.engine.setbacks import Setbacks
from reconciler.errors import NotFound, RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.engine.ports import Registry


@dataclass(frozen=True, slots=True)
class Details:
    """What was read; models that are gone are in neither.

    Attributes:
        read: details by model id.
        unread: why a detail could not be read, by model id.
    """

    read: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


async def details_of(registry: Registry, model_ids: Iterable[str], in_flight: int) -> Details:
    """The details of several models, a few at a time.

    Raises:
        RegistryError: credentials were refused, or the registry cannot be reached at all.
    """
    details, setbacks = Details(), Setbacks()

    async def one(model_id: str) -> None:
        if setbacks.given_up:
            details.unread[model_id] = f"not asked for, after others failed: {setbacks.last}"
            return
        try:
            details.read[model_id] = await registry.detail(model_id)
        except NotFound:
            return
        except RegistryError as error:
            setbacks.failed(error)
            details.unread[model_id] = str(error)
        else:
            setbacks.passed()

    await gather_limited(dict.fromkeys(model_ids), one, in_flight)
    return details
