"""The server: an ASGI application on a socket, inside the event loop that runs already; and who may look.

A web page of anywhere can have its own name resolve to a loopback address; the `Host` of its requests gives
it away. The token is a bearer header, or a cookie that a form gives: `SameSite=Strict`, so that no other
page's requests carry it, and made from the token without being it.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import uvicorn
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from reconciler.errors import ConfigurationError, ReconcilerError
from reconciler.http_limits import ConnectionLimits
from reconciler.http_server import listening, server_config, url_of
from reconciler.network import is_address

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

_GRACE_SECONDS = 1
_DATE_SECONDS = 1.0  # between two changes of the answers' `Date`
_PORTS = 65_536


def listen(host: str, port: int, *, attempts: int = 1, key: str = "web.listen") -> socket.socket:
    """A listening socket on the first free port of `port`, `port + 1`, …; port 0 is any free one.

    `key` names the setting in a message.

    Raises:
        ConfigurationError: none of the ports can be used, or the host is not one of this machine.
    """
    problem: OSError | str = "there is no such port"
    for candidate in range(port, min(port + attempts, _PORTS)):
        try:
            return listening(host, candidate)
        except OSError as error:
            problem = error
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

    Leaving the block waits up to a second for answers under way, and closes the socket. `ended` is called if
    the server stops by itself, before the block is left.
    """
    server = _Server(server_config(app, limits or ConnectionLimits(), _GRACE_SECONDS, lifespan="off"))
    with listener:
        task = asyncio.create_task(server.serve(sockets=[listener]), name="web")
        task.add_done_callback(lambda _: server.started_serving.set())
        try:
            await server.started_serving.wait()
            task.add_done_callback(lambda _: None if server.should_exit else ended())
            yield url_of(listener)
        finally:
            server.stop()
            await task


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
        """Signals reach the handlers that were set before."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, then says so."""
        await super().startup(sockets)
        self.started_serving.set()


# --- who may look ---------------------------------------------------------------------------------------

MAX_TOKENS = 2
"""Tokens that are good at a time: while one is replaced, the old one and the new one."""

_ANYWHERE = frozenset({"/healthz", "/readyz", "/hooks/git"})
"""Answered under any name and without a token: they tell nothing, or ask for a secret of their own."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared, not listened on
_COOKIE = "reconciler_session"
_LONGEST_FORM = 4096  # bytes

_FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><title>reconciler</title>
<form method="post" action="/login"><label>Token <input type="password" name="token" autofocus></label>
<button>Look</button></form></html>
"""


class Hosts:
    """The names that this server answers to.

    `allowed` stands in place of the host that is listened on; `*` is every name, `*.example.com` all below.
    Where every address is listened on, any address is a good name, for no page can have a name that is an
    address.
    """

    def __init__(self, listened_on: str, allowed: Collection[str] | None = None) -> None:
        own = listened_on.strip("[]").lower()
        self._names = {name.lower() for name in allowed} if allowed else _LOOPBACK | {own}
        self._any_address = not allowed and own in _WILDCARDS
        self._any_localhost = not allowed

    def know(self, host: str) -> bool:
        """Whether a `Host` header, with or without a port, is one of them."""
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        if name in self._names or "*" in self._names:
            return bool(name)
        if any(f"*{name[at:]}" in self._names for at, letter in enumerate(name) if letter == "."):
            return True
        if self._any_localhost and name.endswith(".localhost"):
            return True
        return self._any_address and is_address(name)


class Access:
    """Middleware that asks every request for a name it knows, and for a token where one is configured."""

    def __init__(self, app: ASGIApp, hosts: Hosts | None, tokens: Callable[[], Sequence[str]] | None) -> None:
        self._app = app
        self._hosts = hosts
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers in place of the application where the request may not reach it."""
        refusal = None
        if scope["type"] == "http" and scope["path"] not in _ANYWHERE:
            refusal = await self._refusal(Request(scope, receive))
        await (refusal or self._app)(scope, receive, send)

    async def _refusal(self, request: Request) -> Response | None:
        if self._hosts and not self._hosts.know(request.headers.get("host", "")):
            return PlainTextResponse("this host is not one of web.allowed_hosts\n", 421)
        if self._tokens is None:
            return None
        try:
            tokens = list(self._tokens())[:MAX_TOKENS]
        except ReconcilerError:
            return PlainTextResponse("web.token_file cannot be read; see `reconciler doctor`\n", 503)
        if request.url.path == "/login" and request.method == "POST":
            return await _login(request, tokens)
        return None if _is_let_in(request, tokens) else _asked(request)


def _is_let_in(request: Request, tokens: Sequence[str]) -> bool:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else ""
    cookie = request.cookies.get(_COOKIE, "")
    return any([_same(given, token) or _same(cookie, _session(token)) for token in tokens])  # noqa: C419


async def _login(request: Request, tokens: Sequence[str]) -> Response:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _LONGEST_FORM:
            return PlainTextResponse("that is no token\n", 413, {"Connection": "close"})
    given = parse_qs(body.decode("latin-1")).get("token", [""])[0]
    good = [token for token in tokens if _same(given, token)]
    if not good:
        return HTMLResponse(_FORM, 401)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        _COOKIE, _session(good[0]), httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )
    return answer


def _asked(request: Request) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_FORM, 401)
    return PlainTextResponse("a bearer token is needed\n", 401, {"WWW-Authenticate": "Bearer"})


def _session(token: str) -> str:
    """What the cookie holds: good as long as the token is, and of no use to learn it."""
    return hmac.new(token.encode(), b"reconciler session", hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
