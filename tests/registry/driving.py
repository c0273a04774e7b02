"""A client wired to a scripted server, with short pauses."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from reconciler.registry import Limits, ModelArtsRegistry, RegistryAuth
from tests.registry.scripted import Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

QUICK: dict[str, Any] = {"deadline": 3.0, "backoff": 0.01, "longest_pause": 0.02, "rate": 10_000.0}
IMPORT = {"model_name": "手写数字", "model_version": "1.0.0", "model_type": "TensorFlow"}
MODELS = "/v1/p-1/models"


def item(number: int, **changes: Any) -> dict[str, Any]:
    """A sparse list item."""
    return {"model_id": f"m-{number}", "model_name": "a", "model_version": f"0.0.{number}"} | changes


@asynccontextmanager
async def connected(
    respond: Any, *, auth: RegistryAuth | None = None, limits: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[tuple[ModelArtsRegistry, Server]]:
    """A registry client and the scripted server it talks to."""
    async with serving(respond) as server:
        registry = ModelArtsRegistry(
            server.url,
            "p-1",
            auth=auth or RegistryAuth(),
            limits=Limits(**(QUICK | (limits or {}))),
            **settings,
        )
        try:
            yield registry, server
        finally:
            await registry.aclose()
            await registry.aclose()


def talk(
    respond: Any, use: Callable[[ModelArtsRegistry], Coroutine[Any, Any, Any]], **settings: Any
) -> tuple[Any, Server]:
    """What `use` returned, or the error it raised, and the server with what it received."""

    async def main() -> tuple[Any, Server]:
        async with connected(respond, **settings) as (registry, server):
            try:
                return await use(registry), server
            except Exception as error:  # noqa: BLE001 - the error is what is looked at
                return error, server

    return asyncio.run(main())


def in_turn(*answers: Any) -> Callable[[Any], Any]:
    """Answers one after another; the last one again and again."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
