"""Requests over sockets that block the event loop until they are answered: for one who does nothing else.

A single request then needs none of anyio, which takes longer to load than a registry to answer.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from reconciler.registry.endpoint import parse_endpoint
from reconciler.registry.transport import sockets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.registry.auth import RegistryAuth


def blocking(endpoint: str, auth: RegistryAuth) -> httpx.AsyncBaseTransport:
    """Carries the requests of one client, one after the other.

    Args:
        endpoint: where they go.
        auth: the flow of each.

    Raises:
        ConfigurationError: the endpoint cannot be used, or nothing can be made with the proxy or the
            certificates that are configured.
    """
    base = parse_endpoint(endpoint)
    needs_tls = base.scheme == "https" or auth.needs_tls
    return _Blocking(sockets(httpx.HTTPTransport, base, needs_tls=needs_tls))


class _Blocking(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.HTTPTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if not isinstance(answer.stream, httpx.SyncByteStream):
            raise httpx.UnsupportedProtocol("the transport is asynchronous")
        body = _Body(answer.stream)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=body, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        self._inner.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.SyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._inner:
            yield chunk
            await asyncio.sleep(0)  # a deadline that has passed is heard of

    async def aclose(self) -> None:
        self._inner.close()
