"""Transports: connections that share one TLS context, with a guard on what comes back; or threads.

`blocking` is for a command that makes few requests, one after the other. It needs no anyio, whose import
takes longer than a registry's answer. The event loop goes on meanwhile, so that deadlines and signals work; a
thread whose request was given up is left behind, and ends with the process.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import time
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from reconciler.errors import ConfigurationError
from reconciler.network import proxy_for
from reconciler.registry.endpoint import parse_endpoint
from reconciler.registry.tls import AuthoritiesUnreadable, read_again, usual_authorities
from reconciler.threads import in_a_thread

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

    from reconciler.registry.auth import RegistryAuth
    from reconciler.registry.limits import Limits

    Observed = Callable[[str, int | None, float], None]


T = TypeVar("T")
Sockets = TypeVar("Sockets", httpx.AsyncHTTPTransport, httpx.HTTPTransport)

SENT = "reconciler.sent"
"""The request extension that holds what to call just before the request's first byte leaves.

It gives the seconds for which the request may be under way.
"""

for _name in ("httpx", "httpcore"):  # they log URLs at INFO and headers, tokens among them, at DEBUG
    logging.getLogger(_name).setLevel(logging.WARNING)


class AnswerTooLarge(httpx.TransportError):
    """An answer was given up because of its size."""


class Connections:
    """Clients of httpx with one connection each, made when needed; a request has one to itself.

    httpx looks at all connections of a pool with every request, so that a shared pool costs the more the
    larger it is: pools of eight take half as much processor time again, and one of 128 collapses.
    """

    def __init__(
        self,
        endpoint: httpx.URL,
        auth: RegistryAuth,
        limits: Limits,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        observed: Observed | None = None,
    ) -> None:
        """No connection yet; see `ModelArtsRegistry` for the arguments.

        How many requests there are at once is the caller's business. `observed` is told of each request that
        has the `SENT` extension, and not of logins.
        """
        self._endpoint = endpoint
        self._auth = auth
        self._limits = limits
        self._transport = transport
        self._observed = observed
        self._all: list[httpx.AsyncClient] = []
        self._free: list[httpx.AsyncClient] = []

    @contextmanager
    def one(self) -> Iterator[httpx.AsyncClient]:
        """A client for one request; the one used last, whose connection is the likeliest to be open still.

        Raises:
            ConfigurationError: no client can be made with the proxy or the certificates that are configured.
        """
        client = self._free.pop() if self._free else self._another()
        try:
            yield client
        finally:
            self._free.append(client)

    async def aclose(self) -> None:
        """Closes all connections; safe to call twice."""
        for client in self._all:
            await client.aclose()

    def _another(self) -> httpx.AsyncClient:
        limits = self._limits
        traced = self._transport is None
        inner = self._transport or _sockets(httpx.AsyncHTTPTransport, self._endpoint, self._auth)
        client = httpx.AsyncClient(
            auth=_Flow(self._auth),
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(limits.deadline, connect=limits.connect_timeout),
            transport=_Guard(inner, limits, self._observed, traced=traced),
        )
        self._all.append(client)
        return client


def _sockets(kind: type[Sockets], endpoint: httpx.URL, auth: RegistryAuth) -> Sockets:
    needs_tls = endpoint.scheme == "https" or auth.needs_tls
    proxy = proxy_for(endpoint.scheme, endpoint.host)
    try:
        return kind(
            verify=usual_authorities() if needs_tls else _no_authorities(),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=2
            ),  # the registry's, and IAM's
            proxy=proxy,
            trust_env=False,
        )
    except AuthoritiesUnreadable as error:
        raise ConfigurationError(str(error)) from None
    except Exception as error:  # noqa: BLE001 - of many kinds; some texts hold the proxy's password
        raise ConfigurationError(
            f"no connection can be prepared ({type(error).__name__}): check HTTPS_PROXY and ALL_PROXY"
        ) from None


class _Flow(httpx.Auth):
    """A flow of this room, in httpx's eyes."""

    def __init__(self, auth: RegistryAuth) -> None:
        self._auth = auth

    def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        return self._auth.async_auth_flow(request)


class _Guard(httpx.AsyncBaseTransport):
    """Caps what is read of an answer, refuses compression, and tells what leaves and what comes back.

    What leaves is held to its time by the kernel as well. It would otherwise go on for minutes to send what a
    network that was cut did not take, long after the call was given up.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, limits: Limits, observed: Observed | None, *, traced: bool
    ) -> None:
        self._inner = inner
        self._limits = limits
        self._observed = observed
        self._traced = traced
        self._stream: Any = None  # of the connection made last

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent: Callable[[], float] | None = request.extensions.get(SENT)
        if sent and self._traced:
            request.extensions = {**request.extensions, "trace": self._trace(sent)}
        elif sent:
            sent()
        try:
            response = await (self._observe(request) if sent else self._inner.handle_async_request(request))
        except httpx.ConnectError as error:
            read_again(error)
            raise
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            await response.aclose()
            raise httpx.RemoteProtocolError(
                "the answer is compressed, which was not asked for", request=request
            )
        if not isinstance(response.stream, httpx.AsyncByteStream):
            raise httpx.UnsupportedProtocol("the transport is not asynchronous")
        good = response.is_success
        limit = self._limits.body_bytes if good else self._limits.error_bytes
        response.stream = _Capped(response.stream, limit, cut=not good)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _trace(self, sent: Callable[[], float]) -> Callable[[str, Any], Awaitable[None]]:
        async def trace(event: str, facts: Any) -> None:  # noqa: ANN401 - httpcore's own facts
            if event.endswith("connect_tcp.complete"):
                self._stream = facts["return_value"]
            elif event.endswith("send_request_headers.started"):
                _give_up_after(self._stream, sent())

        return trace

    async def _observe(self, request: httpx.Request) -> httpx.Response:
        status, started = None, time.monotonic()
        try:
            response = await self._inner.handle_async_request(request)
            status = response.status_code
            return response
        finally:
            if self._observed:
                self._observed(request.method, status, time.monotonic() - started)


class _Capped(httpx.AsyncByteStream):
    """A body of at most `limit` bytes; a longer one is cut, or else an error."""

    def __init__(self, inner: httpx.AsyncByteStream, limit: int, *, cut: bool) -> None:
        self._inner = inner
        self._limit = limit
        self._cut = cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        async for chunk in self._inner:
            if len(chunk) > left:
                if not self._cut:
                    raise AnswerTooLarge(f"the answer is larger than {self._limit} bytes")
                yield chunk[:left]
                return
            left -= len(chunk)
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


@cache
def _no_authorities() -> ssl.SSLContext:
    """A TLS context that trusts nobody, where none is needed: unreadable certificates do no harm there."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _give_up_after(stream: Any, seconds: float) -> None:  # noqa: ANN401 - httpcore's, or None
    """Has the kernel discard data that was not acknowledged in time, even if this process has ended.

    https://man7.org/linux/man-pages/man7/tcp.7.html, TCP_USER_TIMEOUT; other systems have no such thing.
    """
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None and sys.platform == "linux":
        with suppress(OSError):  # the connection broke: that is told when it is written to
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, int(seconds * 1000)))


# --- sockets that block, each request in a thread of its own --------------------------------------------


def blocking(endpoint: str, auth: RegistryAuth) -> httpx.AsyncBaseTransport:
    """Carries the requests of one client, one after the other.

    Args:
        endpoint: where they go.
        auth: the flow of each.

    Raises:
        ConfigurationError: the endpoint cannot be used, or nothing can be made with the proxy or the
            certificates that are configured.
    """
    return _Blocking(_sockets(httpx.HTTPTransport, parse_endpoint(endpoint), auth))


class _Blocking(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.HTTPTransport) -> None:
        self._inner = inner
        self._threads = _Threads()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._threads.run(partial(self._inner.handle_request, request))
        if not isinstance(answer.stream, httpx.SyncByteStream):
            raise httpx.UnsupportedProtocol("the transport is asynchronous")
        body = _Body(answer.stream, self._threads)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=body, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        if not self._threads.is_one_left:
            self._inner.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream, threads: _Threads) -> None:
        self._inner = inner
        self._threads = threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self._inner)
        while (chunk := await self._threads.run(partial(next, chunks, None))) is not None:
            yield chunk

    async def aclose(self) -> None:
        if not self._threads.is_one_left:
            self._inner.close()


class _Threads:
    """Work in threads that the process does not wait for, one at a time."""

    def __init__(self) -> None:
        self._left = set[object]()

    @property
    def is_one_left(self) -> bool:
        """Whether a thread still works, perhaps on a request that was given up.

        What it uses must stay open.
        """
        return bool(self._left)

    async def run(self, work: Callable[[], T]) -> T:
        """What the work gives or raises."""
        one = object()

        def noted() -> T:
            try:
                return work()
            finally:
                self._left.discard(one)  # a step of its own: whoever was given up may end at any time

        self._left.add(one)
        return await in_a_thread(noted, "request")
