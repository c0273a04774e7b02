"""What a connection may cost: real sockets that never end what they begin, beside honest ones."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.embedded import EmbeddedSettings, running
from reconciler.http_limits import ConnectionLimits
from reconciler.web.server import listen, serving
from tests.plain_http import NO_TLS
from tests.web.served import Loop, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import Receive, Scope, Send

SMALL = ConnectionLimits(head_bytes=2048, head_seconds=0.5, body_seconds=0.5, connections=8, half_open=5)
PATIENT = ConnectionLimits(connections=8, half_open=5)


@pytest.fixture
def small() -> Iterator[Served]:
    """A site with small limits."""
    with Served(Loop(), limits=SMALL) as served:
        yield served


def ended(raw: socket.socket) -> bytes:
    """What came before the connection was ended."""
    raw.settimeout(20)
    received = b""
    try:
        while piece := raw.recv(65536):
            received += piece
    except ConnectionError:
        pass
    return received


def trickle(raw: socket.socket) -> None:
    """Sends a method that never ends, for ten seconds."""
    for _ in range(200):
        raw.sendall(b"G")
        time.sleep(0.05)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 3000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 3000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * 3000,
        b"GET /" + b"x" * 3000,
    ],
    ids=["line", "header", "headers", "header-without-end", "line-without-end"],
)
@pytest.mark.parametrize("step", [1 << 20, 700], ids=["at-once", "in-pieces"])
def test_a_head_that_is_too_large_is_refused(small: Served, head: bytes, step: int) -> None:
    """In one piece or in many, with an end or without; others are served on."""
    with socket.create_connection(small.address) as raw:
        for start in range(0, len(head), step):
            try:
                raw.sendall(head[start : start + step])
            except ConnectionError:
                break
            time.sleep(0.01)
        assert ended(raw).startswith((b"HTTP/1.1 431 ", b""))
    assert small.client.get("/healthz").status_code == 200


def test_headers_that_never_end_are_told_so(small: Served) -> None:
    """431, and the connection is closed."""
    with socket.create_connection(small.address) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nA: " + b"x" * 3000)
        assert ended(raw).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"\r\n",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab",
    ],
    ids=["nothing", "blank", "line", "headers", "second", "body"],
)
def test_a_request_that_does_not_come_is_not_waited_for(small: Served, begun: bytes) -> None:
    """The connection is ended after its time."""
    with socket.create_connection(small.address) as raw:
        raw.sendall(begun)
        ended(raw)


def test_a_head_that_trickles_has_no_more_time_than_another(small: Served) -> None:
    """The time counts from the first byte, not from the last."""
    with socket.create_connection(small.address) as raw, pytest.raises(ConnectionError):
        trickle(raw)


def test_half_sent_requests_do_not_turn_others_away() -> None:
    """The oldest of them goes, those that are being answered stay."""
    with Served(Loop(), limits=PATIENT) as site, ExitStack() as stack:
        for _ in range(40):
            raw = stack.enter_context(socket.create_connection(site.address))
            raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        for _ in range(5):
            assert httpx.get(f"{site.url}/healthz", trust_env=False, verify=NO_TLS).status_code == 200


class Endless:
    """An application whose answer is larger than all buffers; it counts those that have come to an end."""

    def __init__(self) -> None:
        self.asked, self.ended = asyncio.Event(), asyncio.Event()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Ends when its client has taken everything, or has gone."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.asked.set()
        for _ in range(64):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        self.ended.set()


def _ended_for_unread_answers(limits: ConnectionLimits, clients: int, rest: bytes = b"") -> None:
    async def main() -> None:
        app = Endless()
        async with serving(app, listen("127.0.0.1", 0), limits=limits) as url:
            address = (httpx.URL(url).host, httpx.URL(url).port or 0)
            with ExitStack() as stack:
                for _ in range(clients):
                    raw = stack.enter_context(socket.create_connection(address))
                    raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + rest)
                await asyncio.wait_for(app.ended.wait(), 60)
        assert app.asked.is_set()

    asyncio.run(main())


def test_an_answer_that_is_not_taken_is_given_up() -> None:
    """The client asks and never reads; its connection is ended after its time."""
    _ended_for_unread_answers(ConnectionLimits(answer_seconds=0.3), 1)


def test_answers_that_wait_for_many_clients_have_a_limit_together() -> None:
    """Whoever has not read for longest goes, long before its time."""
    # one answer that waits holds more than this: how much of each the kernel took is of no account
    _ended_for_unread_answers(ConnectionLimits(unread_bytes=1 << 16), 4)


def test_requests_that_wait_for_an_answer_have_a_limit() -> None:
    """A connection that asks for more and more without reading is ended at once."""
    more = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    _ended_for_unread_answers(PATIENT, 1, more)


def test_a_connection_is_used_again(small: Served) -> None:
    """An honest client notices nothing of all this."""
    for _ in range(20):
        assert small.client.get("/healthz").text == "alive\n"


def test_the_embedded_registry_has_limits_as_well() -> None:
    """It is served by the same protocol."""
    with running(EmbeddedSettings()) as url:
        address = httpx.URL(url)
        assert address.port is not None
        with socket.create_connection((address.host, address.port)) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000)
            assert ended(raw).startswith(b"HTTP/1.1 431 ")
        assert httpx.get(f"{url}/healthz", trust_env=False, verify=NO_TLS).status_code == 200
