"""Which versions of a name are in use, as far as the advice on a drifted model needs to know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract.model_key import ModelKey, next_free
from reconciler.engine.concurrency import gather_limited
from reconciler.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.ports import Registry


_ASKED_ABOUT = 16  # drifted models of one cycle


async def used_versions(
    registry: Registry,
    drifted: Collection[ModelKey],
    used_by_name: Mapping[str, Collection[str]],
    in_flight: int,
) -> Mapping[str, frozenset[str]]:
    """The known versions by name, and those registered ones that a next version would otherwise collide with.

    A cycle over some models has not listed the others, so the registry is asked about each version that would
    be advised, until it has none: the advice is then the same as after a look at everything. Where it cannot
    be asked, or very many drifted, what is known must do: imports wait for this.

    Args:
        registry: the target's.
        drifted: the models that advice is given on.
        used_by_name: versions in use, by name.
        in_flight: how many questions at once.
    """
    used = {pair.model_name: set(used_by_name.get(pair.model_name, ())) for pair in drifted}

    async def one(pair: ModelKey) -> None:
        versions = used[pair.model_name]
        while (version := next_free(pair.model_version, versions)) is not None:
            try:
                registered = await registry.find(ModelKey(pair.model_name, version))
            except RegistryError:
                return
            if not registered:
                return
            versions.add(version)

    await gather_limited(sorted(drifted)[:_ASKED_ABOUT], one, in_flight)
    return {name: frozenset(versions) for name, versions in used.items()}
