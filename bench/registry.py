"""The embedded registry, filled through its database and served by a process of its own that keeps count.

python -m bench.registry --database FILE --preload 2000 --delay 0.1

`GET /bench/seen` tells what it was asked so far; `PUT /bench/delay/SECONDS` makes it slow.
"""

# ruff: noqa: S603 - what is started here is what is measured, and git

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from bench.generate import FIRST, declared
from bench.preloading import preload
from reconciler.embedded import EmbeddedSettings, create_app

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

PROJECT = "bench"

_LONG_AGO = 1_700_000_000.0  # when what is filled in was imported, one a millisecond; published since
_KINDS = ("list", "detail", "import", "delete")
_READY_SECONDS = 60.0


def fill(database: Path, models: int, *, seed: int = 0) -> None:
    """Registers the models of a repository that `bench.generate` made, as if each had been imported."""
    ticks = (_LONG_AGO + number / 1000 for number in count())
    settings = EmbeddedSettings(database=database, publish_seconds=0, clock=partial(next, ticks))
    numbers = (*range(models), FIRST)
    preload(settings, PROJECT, (as_sent(declared(number, seed=seed).request) for number in numbers))


def as_sent(request: Mapping[str, Any]) -> dict[str, Any]:
    """The import call of a manifest: its metrics are JSON inside a string."""
    return {**request, "model_metrics": json.dumps(request["model_metrics"], separators=(",", ":"))}


class Counting:
    """Counts what an application is asked, by kind, and answers as late as it is told to."""

    def __init__(self, app: ASGIApp, delay: float) -> None:
        self._app = app
        self._delay = delay
        self._seen: dict[str, float] = dict.fromkeys(_KINDS, 0)
        self._latest = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if path.startswith("/bench/"):
            await self._tell(path, send)
            return
        kind = _kind(scope["method"], path)
        self._seen[kind] += 1
        if kind == "import":
            self._latest = time.monotonic()
        if self._delay:
            await asyncio.sleep(self._delay)
        await self._app(scope, receive, send)

    async def _tell(self, path: str, send: Send) -> None:
        if path.startswith("/bench/delay/"):
            self._delay = float(path.rpartition("/")[2])
        clocks = {"latest_import_at": self._latest, "cpu_seconds": time.process_time()}
        body = json.dumps(self._seen | clocks).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _kind(method: str, path: str) -> str:
    if method == "GET":
        return "list" if path.endswith("/models") else "detail"
    return "import" if method == "POST" else "delete"


def serve(database: Path, delay: float) -> None:
    """Serves until it is told to stop; the first line of standard output is the base URL."""
    app = Counting(create_app(EmbeddedSettings(database=database, publish_seconds=0)), delay)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="on")
    uvicorn.Server(config).run(sockets=[listener])


class Served:
    """A registry in another process, as its clients see it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def seen(self) -> dict[str, float]:
        """Requests so far by kind, when the latest import arrived (`time.monotonic`), and CPU seconds."""
        with urllib.request.urlopen(f"{self.url}/bench/seen", timeout=_READY_SECONDS) as answer:  # noqa: S310 - our own
            return dict(json.load(answer))

    def requests(self) -> int:
        """How many requests there were so far."""
        seen = self.seen()
        return int(sum(seen[kind] for kind in _KINDS))


@contextmanager
def served(database: Path, environment: Mapping[str, str], *, delay: float = 0) -> Iterator[Served]:
    """A registry in a process of its own while the block runs."""
    command = [sys.executable, "-m", "bench.registry", "--database", str(database), "--delay", str(delay)]
    with subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (url := process.stdout.readline().strip()):
                raise RuntimeError("the registry did not start")
            yield Served(url)
        finally:
            process.terminate()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.registry", description=__doc__.partition("\n")[0])
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--preload", type=int, default=0, help="models to fill in first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-serve", action="store_true", help="fill in only")
    given = parser.parse_args()
    if given.preload:
        fill(given.database, given.preload, seed=given.seed)
    if not given.no_serve:
        serve(given.database, given.delay)


if __name__ == "__main__":
    main()
