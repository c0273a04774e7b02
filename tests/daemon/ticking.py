"""A ticker over real git, a real state and a registry on a socket, without a loop around it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from reconciler.app.session import Listeners, Session, open_session
from reconciler.daemon.cycle_job import CycleJob, EventCounter, Tick
from reconciler.engine.clock import Clock
from reconciler.settings import load
from reconciler.source.commands import Commands
from tests.daemon.counted import CountedRegistry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.engine.values import Report, Verdict
    from tests.program import Fleet


@dataclass
class Ticking:
    """A ticker, everything it works with, and what it told."""

    world: Session
    registry: CountedRegistry
    logs: list[Any]
    ticker: CycleJob = field(init=False)
    shown: list[Report] = field(default_factory=list)

    async def tick(self) -> Tick:
        """One tick."""
        return await self.ticker.tick("test")

    def done(self) -> tuple[int, int, int]:
        """Git processes started, requests that arrived and transactions written so far."""
        return Commands.started, len(self.registry.requests), self.world.ledger.writes

    def verdicts(self) -> dict[str, Verdict]:
        """The verdicts of the newest report."""
        report = self.world.ledger.last_report()
        assert report is not None
        return {item.title: item.verdict for item in report.items}

    def lines(self, level: str) -> list[Any]:
        """The log lines of one level, taken out of the log."""
        lines = [line for line in self.logs if line["log_level"] == level]
        self.logs[:] = [line for line in self.logs if line["log_level"] != level]
        return lines


@asynccontextmanager
async def ticking(
    fleet: Fleet,
    registry: CountedRegistry | None = None,
    repo: str = ".",
    clock: Clock | None = None,
    more: str = "",
) -> AsyncIterator[Ticking]:
    """A ticker over the fleet's repository and a registry on a socket."""
    async with registry or CountedRegistry() as served:
        source = f'[source]\nrepo = "{repo}"\nbranch = "main"\n'
        fleet.configure(source + served.target() + more)
        counter = EventCounter()
        with structlog.testing.capture_logs() as logs:
            async with open_session(
                load(None, cwd=fleet.folder), acts=True, clock=clock or Clock(), listeners=Listeners(counter)
            ) as world:
                made = Ticking(world, served, logs)
                made.ticker = CycleJob(world.engine, counter, on_report=made.shown.append)
                yield made
