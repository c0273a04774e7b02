"""What every HTTP server of this program has in common: its socket, its URL, and how uvicorn is set up."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from reconciler.http_limits import ConnectionLimits, limited_protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def listening(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """A listening socket; port 0 is any free one.

    Raises:
        OSError: the port is in use, or the host is not one of this machine.
        OverflowError: there is no such port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=backlog)
    # Connections inherit it, which asyncio sets only for sockets that name their protocol; without it, an
    # answer of two packets waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def url_of(listener: socket.socket) -> str:
    """The base URL of a server on this socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def server_config(
    app: ASGIApp,
    limits: ConnectionLimits,
    grace: int,
    **further: Any,  # noqa: ANN401 - uvicorn's own
) -> uvicorn.Config:
    """Uvicorn's settings: it writes no log and no name of its own, and bounds each connection.

    `grace` is how many seconds answers under way are waited for at the end; `further` are further settings.
    """
    return uvicorn.Config(
        app,
        http=limited_protocol(limits),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=grace,
        **further,
    )
