"""Whether registries list what they listed before: one look at each, before an engine is loaded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.app.target_kinds import Opening, registry_of
from reconciler.engine.idle import list_digest
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.registry import CredentialCooldown
    from reconciler.settings import Configuration

_PATIENCE = 2.0  # seconds; what takes longer is left to a cycle, which has deadlines of its own


def are_as_listed(configuration: Configuration, lists: Mapping[str, str]) -> tuple[bool, CredentialCooldown]:
    """Whether each of these targets' registries still has the list with this digest.

    False also where one does not answer: the cycle that follows finds out why, and says so. What was refused
    meanwhile is given too, so that it does not send a wrong key again.
    """
    how = Opening(acts=False)

    async def is_as_listed(name: str) -> bool:
        async with registry_of(configuration, name, how) as registry:
            return list_digest(await registry.list_models()) == lists[name]

    async def all_are() -> bool:
        async with asyncio.timeout(_PATIENCE):
            return all(await asyncio.gather(*map(is_as_listed, lists)))

    try:
        is_same = asyncio.run(all_are())
    except (ReconcilerError, TimeoutError):
        is_same = False
    return is_same, how.cooldown.handed_on()
