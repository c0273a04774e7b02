"""Requests over sockets that block, each in a thread of its own: for one who does nothing else.

A single request then needs none of anyio, which takes longer to load than a registry to answer. The event
loop goes on meanwhile, so that deadlines hold and signals are heard; a thread whose answer nobody waits for
any more is left behind, and ends with the process at the latest.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeVar

import httpx

from reconciler.registry.endpoint import parse_endpoint
from reconciler.registry.transport import sockets
from reconciler.threads import in_a_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reconciler.registry.auth import RegistryAuth

T = TypeVar("T")


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
        """Whether one works on, perhaps although nobody waits for it.

        What it works with is not closed below it.
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
