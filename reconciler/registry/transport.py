"""Connections: small pools that share one TLS context, and a guard on what comes back through them."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.registry.endpoint import proxy_for

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from reconciler.registry.limits import Limits

POOL_SIZE = 8
SENT = "reconciler.sent"
"""The request extension that holds what to call just before the request's first byte leaves."""

for _name in ("httpx", "httpcore"):  # they log URLs at INFO and headers, tokens among them, at DEBUG
    logging.getLogger(_name).setLevel(logging.WARNING)


class AnswerTooLarge(httpx.TransportError):
    """An answer was given up because of its size."""


class Pools:
    """Several HTTP clients of at most eight connections each; a request takes the least busy one.

    One large pool collapses: 128 connections in one do 44 requests a second, sixteen of 8 do over a thousand.
    """

    def __init__(
        self,
        endpoint: httpx.URL,
        auth: httpx.Auth,
        limits: Limits,
        transport: httpx.AsyncBaseTransport | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Pools that are not connected yet.

        Args:
            endpoint: where all requests go; decides about the proxy.
            auth: the flow of every request.
            limits: concurrency, timeouts and sizes.
            transport: what carries the requests instead of sockets, such as `httpx.ASGITransport`.
            tls: trust for https; by default the usual authorities, or those of `SSL_CERT_FILE`.
        """
        count = 1 if transport else -(-limits.concurrency // POOL_SIZE)
        self._clients = [
            httpx.AsyncClient(
                auth=auth,
                follow_redirects=False,
                trust_env=False,
                timeout=httpx.Timeout(limits.deadline, connect=limits.connect_timeout),
                transport=_Guard(transport or _sockets(endpoint, tls), limits, traced=transport is None),
            )
            for _ in range(count)
        ]
        self._busy = [0] * count

    @contextmanager
    def least_busy(self) -> Iterator[httpx.AsyncClient]:
        """The client with the fewest requests under way, counted as busier by one for as long."""
        index = min(range(len(self._busy)), key=self._busy.__getitem__)
        self._busy[index] += 1
        try:
            yield self._clients[index]
        finally:
            self._busy[index] -= 1

    async def aclose(self) -> None:
        """Closes all connections; safe to call twice."""
        for client in self._clients:
            await client.aclose()


class _Guard(httpx.AsyncBaseTransport):
    """Caps what is read of an answer, refuses compression, and tells when a request begins to leave."""

    def __init__(self, inner: httpx.AsyncBaseTransport, limits: Limits, *, traced: bool) -> None:
        self._inner = inner
        self._limits = limits
        self._traced = traced

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        sent: Callable[[], None] | None = request.extensions.get(SENT)
        if sent and self._traced:
            request.extensions = {**request.extensions, "trace": _trace(sent)}
        elif sent:
            sent()
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            await response.aclose()
            raise httpx.RemoteProtocolError(
                "the answer is compressed, which was not asked for", request=request
            )
        response.stream = self._capped(response)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _capped(self, response: httpx.Response) -> httpx.AsyncByteStream:
        stream = response.stream
        if not isinstance(stream, httpx.AsyncByteStream):
            raise httpx.UnsupportedProtocol("the transport is not asynchronous")
        if response.is_success:
            return _Capped(stream, self._limits.body_bytes, cut=False)
        return _Capped(stream, self._limits.error_bytes, cut=True)


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


def _sockets(endpoint: httpx.URL, tls: ssl.SSLContext | None) -> httpx.AsyncHTTPTransport:
    return httpx.AsyncHTTPTransport(
        verify=tls or usual_authorities(),
        limits=httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE),
        proxy=proxy_for(endpoint),
        trust_env=False,
    )


@cache
def usual_authorities() -> ssl.SSLContext:
    """The TLS context of every target: the usual authorities, or those of `SSL_CERT_FILE`; made once."""
    return httpx.create_ssl_context()


def _trace(sent: Callable[[], None]) -> Callable[[str, Any], Awaitable[None]]:
    async def trace(event: str, _: Any) -> None:  # noqa: ANN401 - httpcore's own facts
        if event.endswith("send_request_headers.started"):
            sent()

    return trace
