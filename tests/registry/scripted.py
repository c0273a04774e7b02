"""A real HTTP server on 127.0.0.1 whose every byte and pause a test decides."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping


@dataclass(frozen=True)
class Received:
    """One request as it stood on the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The raw path."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, raw."""
        pairs = (part.partition("=") for part in self.target.partition("?")[2].split("&") if part)
        return {name: value for name, _, value in pairs}


@dataclass(frozen=True)
class Raw:
    """Bytes to send in pieces, a pause before each; the connection is closed afterwards."""

    pieces: tuple[tuple[float, bytes], ...] = ()


def answer(status: int, body: Any = None, **headers: str) -> bytes:
    """A whole HTTP answer; a body that is no bytes is sent as JSON. `retry_after=…` becomes `Retry-After`."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "X-request-id": "r-1", "Content-Length": str(len(content))}
    lines |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + content


def refusal(status: int, code: str, message: str = "no", **headers: str) -> bytes:
    """An error in the vendor's envelope."""
    return answer(status, {"error_code": code, "error_msg": message}, **headers)


DROP = Raw()


@dataclass
class Server:
    """A running server and what it has received."""

    respond: Any
    requests: list[Received] = field(default_factory=list)
    url: str = ""
    connections: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection until it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                said = self.respond(request)
                said = await said if asyncio.iscoroutine(said) else said
                if isinstance(said, bytes):
                    writer.write(said)
                    await writer.drain()
                    continue
                for pause, piece in said.pieces:
                    await asyncio.sleep(pause)
                    writer.write(piece)
                    await writer.drain()
                return
        except ConnectionError:
            return
        except asyncio.CancelledError:
            writer.transport.abort()  # to close TLS would wait for the other side
            return
        finally:
            self._open.discard(task)
            writer.close()

    async def stop(self) -> None:
        """Ends all connections."""
        waiting = list(self._open)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for _ in range(2):  # an aborted transport closes its socket in the next rounds of the loop
            await asyncio.sleep(0)


@asynccontextmanager
async def serving(respond: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Runs a server that answers with `respond(request)`: bytes, a Raw, or a coroutine of one."""
    server = Server(respond)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=tls)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        # No more is accepted; what was accepted last has its transport one round of the loop later, and its
        # task two. A server that is closed before leaves its socket open, and a later test is told of it.
        asyncio.get_running_loop().remove_reader(listening.sockets[0].fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        await server.stop()
        listening.close()
        await listening.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    request_line, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = request_line.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body)
