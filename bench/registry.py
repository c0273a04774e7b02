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
import uuid
from contextlib import closing, contextmanager
from dataclasses import astuple, fields, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn

from bench.generate import FIRST, declared
from reconciler.contract import edition
from reconciler.embedded import EmbeddedSettings, create_app
from reconciler.embedded.access import ANYBODY
from reconciler.embedded.arrival import arrive
from reconciler.embedded.database import Database
from reconciler.embedded.rows import Model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

PROJECT = "bench"

_A_TRANSACTION = 5000  # models
_LONG_AGO = 1_700_000_000.0  # when what is filled in was imported; it has been published since
_COLUMNS = [field.name for field in fields(Model)]
_INSERT = f"INSERT INTO models ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_READY_SECONDS = 60.0


def preload(database: Path, models: int, *, seed: int = 0) -> None:
    """Registers the models of a repository that `bench.generate` made, as if each had been imported."""
    settings = EmbeddedSettings(database=database, publish_seconds=0, clock=lambda: _LONG_AGO)
    rows = (_row(number, seed, settings) for number in (*range(models), FIRST))
    with closing(Database(database)) as opened:
        while some := list(islice(rows, _A_TRANSACTION)):
            with opened.transaction() as connection:
                connection.executemany(_INSERT, [astuple(row) for row in some])


def _row(number: int, seed: int, settings: EmbeddedSettings) -> Model:
    request = as_sent(declared(number, seed=seed).request)
    row = arrive(
        request,
        json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(),
        project_id=PROJECT,
        caller=ANYBODY,
        request_id=f"{number:032x}",
        settings=settings,
        defaults=edition(settings.edition).defaults,
    )
    return replace(row, model_id=str(uuid.UUID(int=(seed << 64) + number + 1)))


def as_sent(request: Mapping[str, Any]) -> dict[str, Any]:
    """The import call of a manifest: its metrics are JSON inside a string."""
    return {**request, "model_metrics": json.dumps(request["model_metrics"], separators=(",", ":"))}


class Counting:
    """Counts what an application is asked, by kind, and answers as late as it is told to."""

    def __init__(self, app: ASGIApp, delay: float) -> None:
        self._app = app
        self._delay = delay
        self._seen: dict[str, float] = {"list": 0, "detail": 0, "import": 0, "delete": 0}
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
        body = json.dumps(self._seen | {"latest_import_at": self._latest}).encode()
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
        """Requests so far by kind, and when the latest import call arrived (`time.monotonic`)."""
        with urllib.request.urlopen(f"{self.url}/bench/seen", timeout=_READY_SECONDS) as answer:  # noqa: S310 - our own
            return dict(json.load(answer))

    def requests(self) -> int:
        """How many requests there were so far."""
        return int(sum(count for kind, count in self.seen().items() if kind != "latest_import_at"))


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
        preload(given.database, given.preload, seed=given.seed)
    if not given.no_serve:
        serve(given.database, given.delay)


if __name__ == "__main__":
    main()
