"""The real client, one call at a time, as the tests of the vendor's contract use it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reconciler.registry import Limits, ModelArtsRegistry, RegistryAuth
from tests.vendor.served import PROJECT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def use(
    url: str,
    work: Callable[[ModelArtsRegistry], Awaitable[Any]],
    auth: RegistryAuth | None = None,
    project: str = PROJECT,
    **limits: Any,
) -> Any:
    """What the real client gives, or raises."""

    async def main() -> Any:
        registry = ModelArtsRegistry(
            url, project, auth=auth or RegistryAuth(), limits=Limits(deadline=20, backoff=0.01, **limits)
        )
        try:
            return await work(registry)
        finally:
            await registry.aclose()

    return asyncio.run(main())


def created(url: str, body: dict[str, Any], project: str = PROJECT) -> str:
    """The id of a model that the client registers."""
    made = use(url, lambda registry: registry.create(body), project=project)
    model_id: str = made.model_id
    return model_id


def detail(url: str, model_id: str, project: str) -> dict[str, Any]:
    """A model's detail, by the client."""
    shown: dict[str, Any] = use(url, lambda registry: registry.detail(model_id), project=project)
    return shown


def listed(url: str, project: str, **limits: Any) -> list[Any]:
    """Every model, by the client."""
    return list(use(url, lambda registry: registry.list_models(), project=project, **limits))
