"""Whether registries list what they listed before: one look at each, before an engine is loaded."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from reconciler.app.credentials import auth_of
from reconciler.app.target_kinds import client
from reconciler.engine.values.models import list_digest
from reconciler.errors import ReconcilerError
from reconciler.registry import CredentialCooldown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.app.idle_note import Access
    from reconciler.settings.raw import RawConfiguration

_PATIENCE = 2.0  # seconds; what takes longer is left to a cycle, which has deadlines of its own


def are_as_listed(
    raw: RawConfiguration, services: Mapping[str, Access | None], lists: Mapping[str, str]
) -> tuple[bool, CredentialCooldown]:
    """Whether each of these targets' registries still has the list with this digest.

    False also where one does not answer: the cycle that follows finds out why, and says so. What was refused
    meanwhile is given too, so that it does not send a wrong key again.

    Args:
        raw: the configuration as it is written, for the credentials in it.
        services: how the registries are reached, by target; None where that is not known.
        lists: the digests, by target.
    """
    cooldown = CredentialCooldown()

    async def is_as_listed(name: str) -> bool:
        access, keys = services[name], raw.table("targets", name, "auth")
        # the note lies where others may write: a secret goes nowhere but where the configuration says
        if access is None or keys is None or raw.text("targets", name, "endpoint") != access.endpoint:
            return False
        auth = auth_of(raw.base, access.project_id, keys.get, cooldown)
        soon = access._replace(timeout=min(access.timeout, _PATIENCE))
        async with aclosing(client(soon, auth, blocks=len(lists) == 1)) as registry:
            return list_digest(await registry.list_models()) == lists[name]

    async def all_are() -> bool:
        async with asyncio.timeout(_PATIENCE):
            return all(await asyncio.gather(*map(is_as_listed, lists)))

    try:
        is_same = asyncio.run(all_are())
    except (ReconcilerError, TimeoutError):
        is_same = False
    return is_same, cooldown.handed_on()
