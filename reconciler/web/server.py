"""The server: an ASGI application on a socket, inside the event loop that is already running."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from reconciler.errors import ConfigurationError
from reconciler.http_limits import ConnectionLimits, limited_protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import ASGIApp

_GRACE_SECONDS = 1
_DATE_SECONDS = 1.0  # between two changes of the answers' `Date`
_PORTS = 65_536


def listen(host: str, port: int, *, attempts: int = 1, key: str = "web.listen") -> socket.socket:
    """A listening socket on the first free port of `port`, `port + 1`, …; port 0 is any free one.

    `key` names the setting in a message.

    Raises:
        ConfigurationError: none of the ports can be used, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    problem: OSError | str = "there is no such port"
    for candidate in range(port, min(port + attempts, _PORTS)):
        try:
            listener = socket.create_server((host, candidate), family=family)
        except OSError as error:
            problem = error
        else:
            # asyncio does so only for sockets that name their protocol; without it an answer waits 40 ms
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return listener
    tried = str(port) if attempts == 1 else f"{port} to {port + attempts - 1}"
    raise ConfigurationError(
        f"{key}: cannot listen on {host}, port {tried}: {problem}. Choose another with {key}, "
        "or set web.enabled = false"
    )


@asynccontextmanager
async def serving(
    app: ASGIApp,
    listener: socket.socket,
    ended: Callable[[], None] = lambda: None,
    limits: ConnectionLimits | None = None,
) -> AsyncIterator[str]:
    """Serves until the block is left; gives the URL. Signals stay the business of the process.

    Leaving the block waits up to a second for answers under way, and closes the socket. `ended` is told when
    the server stops by itself, before the block is left.
    """
    server = _Server(_config(app, limits or ConnectionLimits()))
    with listener:
        task = asyncio.create_task(server.serve(sockets=[listener]), name="web")
        task.add_done_callback(lambda _: server.started_serving.set())
        try:
            await server.started_serving.wait()
            task.add_done_callback(lambda _: None if server.should_exit else ended())
            yield _url(listener)
        finally:
            server.stop()
            await task


def _config(app: ASGIApp, limits: ConnectionLimits) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=limited_protocol(limits),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Uvicorn that leaves signals alone and says when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.started_serving = asyncio.Event()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Has the server end."""
        self.should_exit = True
        self._stopping.set()

    async def main_loop(self) -> None:
        """Wakes once a second and when it has to end; uvicorn's own wakes ten times as often."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DATE_SECONDS):
                    await self._stopping.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals reach whoever handled them before."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, then says so."""
        await super().startup(sockets)
        self.started_serving.set()


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
