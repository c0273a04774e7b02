"""A registry that may not be opened: its target fails alone then, and each cycle tries to open it again."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.errors import Exit, ReconcilerError, TargetUnusable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry
    from reconciler.engine.values import Created, ObservedModel
    from reconciler.engine.vendor import Vendor


@dataclass(slots=True)
class Reopened:
    """Implements `reconciler.engine.ports.Registry` by one that is opened when it is first used.

    Every method raises TargetUnusable as long as it cannot be opened.
    """

    name: str
    vendor: Vendor
    open: Callable[[], AbstractAsyncContextManager[Registry]]
    _registry: Registry | None = None
    _closing: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def opened(self) -> Registry:
        """The registry itself. Raises TargetUnusable."""
        if self._registry is None:
            try:
                self._registry = await self._closing.enter_async_context(self.open())
            except ReconcilerError as error:
                raise TargetUnusable(str(error), Exit(error.exit_code)) from error
            except Exception as error:
                message = f"it cannot be opened: unexpected {type(error).__name__}"
                raise TargetUnusable(message, Exit.UNAVAILABLE) from error
        return self._registry

    async def list_models(self) -> Sequence[ObservedModel]:
        """As the port says."""
        return await (await self.opened()).list_models()

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        """As the port says."""
        return await (await self.opened()).find(pair)

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        """As the port says."""
        return await (await self.opened()).detail(model_id)

    async def create(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> Created:
        """As the port says."""
        return await (await self.opened()).create(request, intent)

    async def delete(self, model_id: str) -> None:
        """As the port says."""
        await (await self.opened()).delete(model_id)

    async def aclose(self) -> None:
        """Closes what was opened; safe to call twice."""
        self._registry = None
        await self._closing.aclose()
