"""The application on a real socket, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from reconciler.errors import ConfigurationError
from reconciler.views.html import PageState
from reconciler.web.application import create_app
from reconciler.web.server import listen, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from reconciler.engine.values import Report
    from reconciler.http_limits import ConnectionLimits
    from reconciler.web.access import Hosts
    from reconciler.web.webhook import Delivery

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Loop:
    """What a daemon would tell; each test says how it is."""

    report: Report | None = None
    ready: bool = False
    alive: bool = True
    secret: str | None = None
    secret_is_unreadable: bool = False
    deliveries: list[Delivery] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        """How many ticks were asked for."""
        return len(self.senders)

    def status(self) -> PageState:
        """The page's state."""
        return PageState(NOON, "0.1.0", "running", self.report)

    def trigger(self, sender: str) -> None:
        """Keeps who asked."""
        self.senders.append(sender)

    def webhook_secret(self) -> str | None:
        """The secret now."""
        if self.secret_is_unreadable:
            raise ConfigurationError("web.webhook_secret_file: /run/secrets/hook cannot be read")
        return self.secret


@dataclass
class Served:
    """A served application: `url`, and a client whose connections are closed with it."""

    loop: Loop = field(default_factory=Loop)
    body_seconds: float = 10.0
    host: str = "127.0.0.1"
    limits: ConnectionLimits | None = None
    url: str = ""
    hosts: Hosts | None = None
    tokens: Callable[[], list[str]] | None = None

    def __enter__(self) -> Self:
        """Starts the thread and waits until it listens."""
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._listening.wait(10)
        self.client = httpx.Client(base_url=self.url, trust_env=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the server's block, as a daemon does on SIGTERM."""
        self.client.close()
        self._events.call_soon_threadsafe(self._leave.set)
        self._thread.join(10)
        assert not self._thread.is_alive()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        url = httpx.URL(self.url)
        assert url.port is not None
        return url.host, url.port

    async def _serve(self) -> None:
        loop = self.loop
        app = create_app(
            loop.status,
            lambda: b"reconciler_ticks_total 3.0\n",
            loop.trigger,
            lambda: None if loop.ready else "no cycle has succeeded yet",
            loop.webhook_secret,
            not_alive=lambda: None if loop.alive else "no tick has ended for 99 s",
            delivered=loop.deliveries.append,
            body_seconds=self.body_seconds,
            hosts=self.hosts,
            tokens=self.tokens,
        )
        self._events, self._leave = asyncio.get_running_loop(), asyncio.Event()
        async with serving(app, listen(self.host, 0), limits=self.limits) as self.url:
            self._listening.set()
            await self._leave.wait()
