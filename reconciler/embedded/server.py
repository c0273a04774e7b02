"""Serves the registry, and says who is let in.

In the foreground until told to stop, or in a thread beside whoever needs it.
"""

from __future__ import annotations

import hmac
import signal
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn
from starlette.datastructures import Headers

from reconciler.embedded import answers
from reconciler.embedded.answers import Code, VendorError, refusal
from reconciler.embedded.application import AnswerHeaders, create_app
from reconciler.errors import ConfigurationError
from reconciler.http_limits import ConnectionLimits
from reconciler.http_server import listening, server_config, url_of
from reconciler.network import is_loopback

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.embedded.application import EmbeddedRegistry
    from reconciler.embedded.settings import EmbeddedSettings

_GRACE_SECONDS = 10
_BACKLOG = 1024
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
                    ready(url_of(listener))
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
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join()
            app.state.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        return listening(host, port, _BACKLOG)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error}; choose another host or port"
        ) from error


def _server(app: EmbeddedRegistry, guarded: ASGIApp) -> uvicorn.Server:
    own = {"date_header": False, "proxy_headers": False, "lifespan": "on"}
    config = server_config(guarded, _LIMITS, _GRACE_SECONDS, **own)
    server = uvicorn.Server(config)
    app.state.drop = partial(_drop, server)
    return server


def _drop(server: uvicorn.Server, client: tuple[str, int]) -> None:
    """Ends one client's connection without another byte."""
    for connection in tuple(server.server_state.connections):
        if getattr(connection, "client", None) == client:
            connection.transport.abort()


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


# --- who is let in -------------------------------------------------------------------------------------

_FOR_ALL = frozenset({"/", "/healthz", "/docs", "/openapi.json"})
"""What tells nothing of any model."""

_NOT_DECLARED = Code(415, answers.NOT_JSON.code)
_MISDIRECTED = Code(421, answers.NO_SUCH_API.code)


def is_local(host: str) -> bool:
    """Whether a host, with or without a port, is a name or an address of this very machine."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


class Gatekeeper:
    """Middleware in front of the whole registry, which lets in who knows the token of the run.

    A page of any origin can have a browser send a simple request to a loopback port, with a body that is not
    declared as JSON; and any program of the machine can. So the body has to be declared as JSON, which no
    page of another origin can do without being asked, and a token has to be brought that was printed at the
    start.

    Args:
        app: the registry.
        token: what `X-Auth-Token` has to be; None where the registry asks for credentials of its own, or is
            open to everybody.
        clock: the registry's, which its refusals are dated by like every other answer.
        local_only: whether the `Host` of every request has to be a name of loopback. A page of anywhere can
            have its own name resolve to loopback, and would call an open registry as a page of its own.
    """

    def __init__(
        self, app: ASGIApp, token: str | None, clock: Callable[[], float], *, local_only: bool = False
    ) -> None:
        self._app = app
        self._token = token
        self._clock = clock
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or refuses it in the vendor's envelope."""
        error = self._refused(scope) if scope["type"] == "http" else None
        if error is None:
            await self._app(scope, receive, send)
            return

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            await refusal(error, scope["state"]["request_id"])(scope, receive, send)

        await AnswerHeaders(refuse, self._clock)(scope, receive, send)

    def _refused(self, scope: Scope) -> VendorError | None:
        headers = Headers(scope=scope)
        if self._local_only and not is_local(headers.get("host", "")):
            return VendorError(_MISDIRECTED, "an open registry on loopback is called by a name of loopback")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] in ("POST", "PUT", "PATCH") and kind != "application/json":
            return VendorError(_NOT_DECLARED, "declare the body with Content-Type: application/json")
        if self._token is None or scope["path"] in _FOR_ALL:
            return None
        given = headers.get("x-auth-token")
        if given is None:
            return VendorError(
                answers.NO_TOKEN, "send the token that was printed at the start as X-Auth-Token"
            )
        if not hmac.compare_digest(given.encode("latin-1"), self._token.encode()):
            return VendorError(
                answers.ILLEGAL_TOKEN, "X-Auth-Token is not the token that was printed at the start"
            )
        return None
