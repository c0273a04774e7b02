"""A registry on a real socket that counts what it is asked, and can be slow, away or broken."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.embedded import EmbeddedSettings, create_app
from reconciler.web.server import listen, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from starlette.types import Receive, Scope, Send


@dataclass
class CountedRegistry:
    """The embedded registry's application, served on 127.0.0.1 in the test's own event loop.

    Attributes:
        requests: method and path of everything that arrived, in order.
        gate: an import is handled only while this is set.
        lose_answers: an import is made, and its answer never sent.
        url: without a slash at its end.
    """

    settings: EmbeddedSettings = field(default_factory=lambda: EmbeddedSettings(publish_seconds=0))
    requests: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    lose_answers: bool = False
    url: str = ""
    _port: int = 0
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def __aenter__(self) -> Self:
        """Starts to listen."""
        self._app = create_app(self.settings)
        self.gate.set()
        await self.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends whatever is stuck, and listens no more."""
        self.gate.set()
        await self.go()
        self._app.state.close()

    def target(self, name: str = "prod", path: str = "models.d") -> str:
        """The table of `reconciler.toml` that names this registry; calls have four seconds."""
        return f"""
[targets.{name}]
kind = "modelarts"
endpoint = "{self.url}"
project_id = "project-{name}"
path = "{path}"
timeout = "4s"
"""

    @property
    def imports(self) -> int:
        """How many import calls arrived."""
        return sum(request.startswith("POST ") for request in self.requests)

    async def come(self) -> None:
        """Listens, on the same port as before."""
        listener = listen("127.0.0.1", self._port)
        self._port = listener.getsockname()[1]
        self.url = await self._running.enter_async_context(serving(self, listener))

    async def go(self) -> None:
        """Refuses connections."""
        await self._running.aclose()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Refuses connections during the block."""
        await self.go()
        try:
            yield
        finally:
            await self.come()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        self.requests.append(f"{scope['method']} {scope['path']}")
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        await self.gate.wait()
        sent = []

        async def keep(message: object) -> None:
            sent.append(message)

        await self._app(scope, receive, keep if self.lose_answers else send)
        if self.lose_answers:
            await asyncio.sleep(60)
