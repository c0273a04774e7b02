"""The application on a real socket, in a thread with an event loop of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.errors import ConfigurationError, StateError
from reconciler.views.pages import OverviewFacts, PageState
from reconciler.web.application import Probes, create_app
from reconciler.web.server import listen, serving
from reconciler.web.webhook import Receiver
from tests.views.samples import listing_of
from tests.web.threaded import Threaded

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.listing import ListingQuery
    from reconciler.engine.values import Report
    from reconciler.http_limits import ConnectionLimits
    from reconciler.views.pages import ModelFacts
    from reconciler.web.server import Hosts
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
    stopping: bool = False
    state_is_away: bool = False
    models: dict[tuple[str, str, str | None], ModelFacts] = field(default_factory=dict)
    overviews: dict[Any, OverviewFacts] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)

    @property
    def ticks(self) -> int:
        """How many ticks were asked for."""
        return len(self.senders)

    def state(self, report: Report | None) -> PageState:
        """What every page shows."""
        return PageState(NOON, "0.1.0", "running", report)

    def token(self) -> str | None:
        """Another one with each report; None once it stops."""
        return None if self.stopping else str(id(self.report))

    async def summary(self) -> Report | None:
        """The report itself."""
        return self.report

    async def overview(self, query: ListingQuery, *, matrix: bool) -> OverviewFacts | None:  # noqa: ARG002
        """The models of the report, made once for each query."""
        if self.report is None:
            return None
        key = (id(self.report), query)
        if key not in self.overviews:
            self.overviews[key] = OverviewFacts(listing_of(self.report.items, query))
        return self.overviews[key]

    async def model(self, target: str, name: str, version: str | None) -> ModelFacts | None:
        """What the test has of it."""
        self.asked.append((target, name, version))
        if self.state_is_away:
            raise StateError("the model could not be read in time")
        return self.models.get((target, name, version))

    def trigger(self, sender: str) -> None:
        """Keeps who asked."""
        self.senders.append(sender)

    def webhook_secret(self) -> str | None:
        """The secret now."""
        if self.secret_is_unreadable:
            raise ConfigurationError("web.webhook_secret_file: /run/secrets/hook cannot be read")
        return self.secret


@dataclass
class _Pages:
    """The same, with the report under the name that the pages use."""

    loop: Loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loop, name)

    async def report(self) -> Report | None:
        """The newest report."""
        return self.loop.report


@dataclass
class Served(Threaded):
    """A served application: `url`, and a client whose connections are closed with it."""

    loop: Loop = field(default_factory=Loop)
    body_seconds: float = 10.0
    host: str = "127.0.0.1"
    limits: ConnectionLimits | None = None
    url: str = ""
    hosts: Hosts | None = None
    tokens: Callable[[], list[str]] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        url = httpx.URL(self.url)
        assert url.port is not None
        return url.host, url.port

    async def run(self) -> None:
        """The application on a free port."""
        loop = self.loop
        app = create_app(
            _Pages(loop),
            Probes(
                lambda: b"reconciler_ticks_total 3.0\n",
                lambda: None if loop.ready else "no cycle has succeeded yet",
                lambda: None if loop.alive else "no tick has ended for 99 s",
            ),
            Receiver(loop.webhook_secret, loop.trigger, loop.deliveries.append, self.body_seconds),
            self.hosts,
            self.tokens,
        )
        async with serving(app, listen(self.host, 0), limits=self.limits) as self.url:
            await self.serve()
