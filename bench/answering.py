"""A registry that costs next to nothing: it answers every call from bytes made beforehand, after a pause.

python -m bench.answering --models 100000 --delay 0.1

What is measured against it is the client alone. The first line of standard output is the base URL.
"""

# ruff: noqa: S603 - what is started here is this module

from __future__ import annotations

import argparse
import asyncio
import json
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_PLACE = re.compile(rb"[?&](limit|offset)=([0-9]+)")
_DETAIL_BYTES = 1500  # of text in a detail, about what the vendor's example has


def model(number: int) -> dict[str, Any]:
    """A list item with the fields of the vendor's example."""
    return {
        "model_id": f"{number:08x}-7e4c-4b1d-9a53-{number:012x}",
        "model_name": f"model-{number % 5000:04d}",
        "model_version": f"1.{number // 5000}.0",
        "model_type": "TensorFlow",
        "model_size": 5012312 + number,
        "model_status": "published",
        "model_source": "custom",
        "specification": {},
        "tenant": "6d28e85aa78b4e1a9b4bd83501bcd4a1",
        "project": "d04c10db1f264cfeb1966deff1a3527c",
        "owner": "6d28e85aa78b4e1a9b4bd83501bcd4a1",
        "create_at": 1_533_041_553_000 + number,
        "description": "",
        "source_type": "auto",
        "install_type": ["real-time", "batch"],
        "market_flag": False,
        "publishable_flag": True,
        "workspace_id": "0",
    }


class Answering(asyncio.Protocol):
    """One connection, kept alive; requests on it come one after the other."""

    models = 0
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps where to write."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what a stream server gives
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        """Answers once a request is whole."""
        self._received += data
        head, ended, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not ended or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        answer = self._answer(head[: head.index(b"\r\n")])
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _answer(self, request_line: bytes) -> bytes:
        if request_line.startswith(b"POST"):
            return _made(b'{"model_id": "00000001-7e4c-4b1d-9a53-000000000001"}')
        target = request_line.split(b" ")[1]
        if b"?" not in target:
            return _detail()
        place = {name: int(value) for name, value in _PLACE.findall(target)}
        if b"exact_match" in target:
            return _page(place[b"offset"], 1, 1)
        return _page(place[b"offset"], place[b"limit"], self.models)


def _made(body: bytes) -> bytes:
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"X-request-id: 7a3b5fdd1a2d4c6fa5cb9d0a6e6f0b41\r\n"
        b"Date: Mon, 23 Nov 2026 12:00:00 GMT\r\nServer: api-gateway\r\nContent-Length: %d\r\n\r\n"
    )
    return head % len(body) + body


@cache
def _detail() -> bytes:
    return _made(json.dumps(model(1) | {"config": "x" * _DETAIL_BYTES}).encode())


@cache
def _page(offset: int, limit: int, total: int) -> bytes:
    items = [model(number) for number in range(offset * limit, min(total, (offset + 1) * limit))]
    return _made(json.dumps({"total_count": total, "count": len(items), "models": items}).encode())


async def serve(models: int, delay: float) -> None:
    """Answers until it is ended; every page is made before the first request."""
    Answering.models, Answering.delay = models, delay
    for offset in range(models // 1000 + 2):
        _page(offset, 1000, models)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    server = await asyncio.get_running_loop().create_server(Answering, sock=listener)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def answering(*, models: int = 0, delay: float = 0) -> Iterator[str]:
    """The base URL of such a registry, in a process of its own while the block runs."""
    command = [sys.executable, "-m", "bench.answering", "--models", str(models), "--delay", str(delay)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None or not (url := process.stdout.readline().strip()):
                raise RuntimeError("the registry did not start")
            yield url
        finally:
            process.terminate()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.answering", description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=int, default=0, help="how many models are listed")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before each answer")
    given = parser.parse_args()
    asyncio.run(serve(given.models, given.delay))


if __name__ == "__main__":
    main()
