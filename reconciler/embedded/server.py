"""Serves the registry: in the foreground until told to stop, or in a thread beside whoever needs it."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from reconciler.embedded.application import create_app
from reconciler.embedded.gatekeeper import Gatekeeper, is_local
from reconciler.errors import ConfigurationError
from reconciler.http_limits import ConnectionLimits, limited_protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.types import ASGIApp

    from reconciler.embedded.application import EmbeddedRegistry
    from reconciler.embedded.settings import EmbeddedSettings

_GRACE_SECONDS = 10
_LIMITS = ConnectionLimits(connections=2048, half_open=1024)  # hundreds of calls at once are usual
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(
    settings: EmbeddedSettings,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    token: str | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is in flight, closes the database and returns.

    Call it from the main thread, where signals arrive. Port 0 is a free one; callers have to bring `token` as
    `X-Auth-Token`, where it is given; `ready` is told the base URL once connections are accepted.

    Raises:
        ConfigurationError: the address cannot be listened on.
        StateError: the database cannot be used.
    """
    with _listening(host, port) as listener:
        app = create_app(settings)
        is_open = token is None and settings.auth is None
        local_only = is_open and is_local(f"[{host}]" if ":" in host else host)
        server = _server(app, Gatekeeper(app, token, settings.clock, local_only=local_only))
        try:
            with _stopped_by_signals(server):
                if ready is not None:
                    ready(_url(listener))
                server.run(sockets=[listener])
        finally:
            app.state.close()


@contextmanager
def running(settings: EmbeddedSettings, port: int = 0) -> Iterator[str]:
    """Serves on 127.0.0.1 in a thread while the block runs; gives the base URL. Port 0 is a free one."""
    with _listening("127.0.0.1", port) as listener:
        app = create_app(settings)
        server = _server(app, app)
        thread = threading.Thread(target=server.run, args=([listener],), name="embedded-registry")
        thread.start()
        try:
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()
            app.state.close()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error}; choose another host or port"
        ) from error
    # Connections inherit it; without, an answer of two packets waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _server(app: EmbeddedRegistry, guarded: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        guarded,
        http=limited_protocol(_LIMITS),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ws="none",
        proxy_headers=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    app.state.drop = partial(_drop, server)
    return server


def _drop(server: uvicorn.Server, client: tuple[str, int]) -> None:
    """Ends one client's connection without another byte."""
    for connection in tuple(server.server_state.connections):
        if getattr(connection, "client", None) == client:
            connection.transport.abort()


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def _stopped_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """A signal stops the server, also before it listens to signals itself, and never ends the process.

    The server repeats the signals it got to whoever handled them before: here, so that it returns.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    kept = {number: signal.signal(number, stop) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
