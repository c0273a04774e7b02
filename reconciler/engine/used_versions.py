"""Which versions of a name are in use, as far as the advice on a drifted model needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract.model_key import FreeVersions, ModelKey
from reconciler.engine.concurrency import gather_limited
from reconciler.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.ports import Registry


_ASKED_ABOUT = 16  # drifted models of one cycle
_QUESTIONS = 64  # about each of them


async def used_versions(
    registry: Registry,
    drifted: Collection[ModelKey],
    used_by_name: Mapping[str, Collection[str]],
    in_flight: int,
) -> Mapping[str, frozenset[str]]:
    """The known versions by name, and those registered ones that a next version would otherwise collide with.

    A cycle over some models has not listed the others, so the registry is asked about each version that would
    be advised, until it has none: the advice is then the same as after a look at everything. Where it cannot
    be asked, very many drifted, or very many versions are registered that nobody declared, what is known must
    do: imports wait for this.
    """
    used = {pair.model_name: set(used_by_name.get(pair.model_name, ())) for pair in drifted}
    free = {name: FreeVersions(versions) for name, versions in used.items()}

    async def one(pair: ModelKey) -> None:
        name = pair.model_name
        for _ in range(_QUESTIONS):
            version = free[name].after(pair.model_version)
            if version is None:
                return
            try:
                registered = await registry.find(ModelKey(name, version))
            except RegistryError:
                return
            if not registered:
                return
            used[name].add(version)
            free[name].take(version)

    await gather_limited(sorted(drifted)[:_ASKED_ABOUT], one, in_flight)
    return {name: frozenset(versions) for name, versions in used.items()}
