"""Whether the embedded registry keeps up: how long filling, listing, showing and importing take it.

python -m bench.keeping_up --models 100000

Every figure is of one registry in a process of its own, asked over its socket by this one. CPU is the
registry's; wall clock has this client in it, which wants a processor of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bench.generate import declared
from bench.registry import PROJECT, as_sent, fill, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bench.registry import Served

Call = tuple[str, str, bytes]
"""Method, target, body."""

_MODELS = f"/v1/{PROJECT}/models"
_PAGE = 1000
_TIMES = 50  # each page and filter is asked for
_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Figure:
    """What a number of calls took, in seconds: together, and of the registry's processor."""

    what: str
    calls: int
    seconds: float
    cpu: float

    def __str__(self) -> str:
        each, cpu = 1000 * self.seconds / self.calls, 1000 * self.cpu / self.calls
        return f"{self.what:<40} {self.calls / self.seconds:>9,.0f}/s {each:>9.2f} ms {cpu:>9.2f} ms CPU"


class Caller:
    """One kept connection that speaks as much HTTP as is needed here, so as to cost little itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def call(self, method: str, target: str, body: bytes = b"") -> Any:  # noqa: ANN401 - any JSON
        """The answer's JSON. Raises RuntimeError unless the status is 200."""
        head = f"{method} {target} HTTP/1.1\r\nhost: registry\r\ncontent-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        start, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        length = next(line for line in lines if line.lower().startswith("content-length:"))
        answer = await self._reader.readexactly(int(length.partition(":")[2]))
        if start.split()[1] != "200":
            raise RuntimeError(f"{method} {target}: {start} {answer.decode()}")
        return json.loads(answer)


@asynccontextmanager
async def callers(served: Served, number: int) -> AsyncIterator[list[Caller]]:
    """That many connections."""
    address = urlsplit(served.url)
    streams = [await asyncio.open_connection(address.hostname, address.port) for _ in range(number)]
    try:
        yield [Caller(reader, writer) for reader, writer in streams]
    finally:
        for _, writer in streams:
            writer.close()


async def figures(served: Served, models: int, imports: int) -> AsyncIterator[Figure]:
    """Measures everything, one after the other."""
    last = (models - 1) // _PAGE
    request = declared(models // 2).request
    exact = f"exact_match=true&model_name={request['model_name']}&model_version={request['model_version']}"
    bodies = [_new(number) for number in range(imports)]
    async with callers(served, _CONNECTIONS) as crowd:
        one = crowd[:1]
        page = await one[0].call(*_listed(0))
        details = [("GET", f"{_MODELS}/{item['model_id']}", b"") for item in page["models"]]
        posts = [("POST", _MODELS, body) for body in bodies]
        for what, some, calls in (
            ("first page of 1,000", one, [_listed(0)] * _TIMES),
            ("last page of 1,000", one, [_listed(last)] * _TIMES),
            ("every page in turn", one, [_listed(offset) for offset in range(last + 1)]),
            ("list of one exact name and version", one, [_listed(0, exact)] * _TIMES),
            ("detail, one at a time", one, details),
            (f"detail, {_CONNECTIONS} at a time", crowd, details),
            ("import, one at a time", one, posts[: imports // 10]),
            (f"import, {_CONNECTIONS} at a time", crowd, posts[imports // 10 :]),
        ):
            yield await _timed(what, served, some, calls)


def _listed(offset: int, query: str = "order=asc") -> Call:
    return "GET", f"{_MODELS}?limit={_PAGE}&offset={offset}&{query}", b""


def _new(number: int) -> bytes:
    """An import that no preloaded registry has."""
    request = as_sent(declared(number, seed=1).request)
    request["model_name"] += "-new"
    return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode()


async def _timed(what: str, served: Served, crowd: Sequence[Caller], calls: Sequence[Call]) -> Figure:
    """Shares the calls among the connections, each busy with one at a time."""
    todo = iter(calls)

    async def work(caller: Caller) -> None:
        for call in todo:
            await caller.call(*call)

    cpu, started = served.seen()["cpu_seconds"], time.perf_counter()
    await asyncio.gather(*map(work, crowd))
    seconds = time.perf_counter() - started
    return Figure(what, len(calls), seconds, served.seen()["cpu_seconds"] - cpu)


async def _measure(folder: Path, models: int, imports: int) -> None:
    database = folder / "registry.db"
    cpu, started = time.process_time(), time.perf_counter()
    fill(database, models)
    _tell(Figure("preload", models, time.perf_counter() - started, time.process_time() - cpu))
    with served(database, os.environ) as registry:
        async for figure in figures(registry, models, imports):
            _tell(figure)


def _tell(figure: Figure) -> None:
    sys.stdout.write(f"{figure}\n")
    sys.stdout.flush()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.keeping_up", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--models", type=int, default=100_000, help="models to fill in first")
    parser.add_argument("--imports", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keeping-up-") as folder:
        asyncio.run(_measure(Path(folder), given.models, given.imports))


if __name__ == "__main__":
    main()
