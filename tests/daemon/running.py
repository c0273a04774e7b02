"""`reconciler run`, inside the test's event loop or as a process of its own, and what it logs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import httpx
import structlog

from reconciler.app.service import run
from reconciler.settings import load
from tests.daemon.waiting import until
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.program import Fleet, Program

SELDOM = '[schedule]\nevery = "1h"\ngrace = "5s"\n[web]\nlisten = "127.0.0.1:0"\n'
"""The schedule looks once, and then no more; to be followed by more of `[web]` or another table."""

FOLLOW = '[follow]\nfirst = "100ms"\n'


@dataclass
class Daemon:
    """A running loop, seen from outside: its log lines, its page, and signals.

    Attributes:
        pid: where signals go.
        lines: everything logged so far, as JSON objects.
    """

    pid: int
    lines: list[Any] = field(default_factory=list)

    def lines_of(self, event: str, **facts: Any) -> list[Any]:
        """The lines about one event that say these facts."""
        return [
            line
            for line in self.lines
            if line["event"] == event and all(line.get(key) == fact for key, fact in facts.items())
        ]

    async def tells(self, event: str, seconds: float = 40.0, **facts: Any) -> Any:
        """Waits for a line about an event, and gives it."""
        await until(lambda: self.lines_of(event, **facts), seconds)
        return self.lines_of(event, **facts)[0]

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        os.kill(self.pid, number)

    async def get(self, path: str) -> httpx.Response:
        """Asks the page's server."""
        url = (await self.tells("page"))["url"]
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            return await client.get(url + path)


@asynccontextmanager
async def inside(program: Program) -> AsyncIterator[Daemon]:
    """Runs the loop in this event loop; at the end SIGTERM stops it, in order."""
    with structlog.testing.capture_logs() as lines:
        running = asyncio.create_task(run(load(None, cwd=program.folder), None))
        daemon = Daemon(os.getpid(), lines)
        try:
            await until(lambda: daemon.lines_of("started") or running.done())
            yield daemon
        finally:
            if not running.done():
                daemon.send(signal.SIGTERM)
            await running


@dataclass
class Process(Daemon):
    """The program as a process of its own."""

    process: subprocess.Popen[str] = field(kw_only=True)
    reading: asyncio.Task[None] | None = None

    async def exit_code(self, seconds: float = 40.0) -> int:
        """Waits for its end, and until its log is read as far as it goes."""
        code = await asyncio.to_thread(self.process.wait, seconds)
        if self.reading is not None:
            await asyncio.wait([self.reading], timeout=seconds)
        return code


@asynccontextmanager
async def spawned(program: Program, *options: str) -> AsyncIterator[Process]:
    """Starts `reconciler run` as a process; it is killed at the end if it still runs."""
    command = ("run", "--output", "json", "--verbose", *options)
    with program.spawn(*command, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        started = Process(process.pid, process=process)
        started.reading = asyncio.create_task(asyncio.to_thread(_read, process.stderr, started.lines))
        try:
            yield started
        finally:
            process.kill()
            await started.reading


def _read(log: IO[str], lines: list[Any]) -> None:
    """Collects the log; a line that is not a JSON object would be a mistake."""
    for line in log:
        lines.append(json.loads(line))  # noqa: PERF401 - each as it comes


def events(fleet: Fleet) -> list[Any]:
    """What the journal says of all models."""
    return [event for model in fleet.json("history").json for event in model["events"]]
