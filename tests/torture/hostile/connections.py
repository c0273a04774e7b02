"""Attacks over sockets, on loopback: bounded in number, bytes and seconds; each closes what it opened."""

from __future__ import annotations

import contextlib
import socket
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Address = tuple[str, int]
    Attack = Callable[[Address], int]

_HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
_WHOLE = _HALF + b"Accept-Encoding: identity\r\n\r\n"
_HELD = 3.0  # seconds that an attacker keeps what he has


def headers_without_end(address: Address) -> int:
    """Header after header, 32 MB at most."""
    return _pour(address, _HALF, b"X-A: " + b"a" * 1000 + b"\r\n", 32 << 20)


def one_huge_header(address: Address) -> int:
    """One header of 200 MB."""
    return _pour(address, _HALF + b"X-A: ", b"a" * (1 << 20), 200 << 20)


def half_sent(address: Address) -> int:
    """150 requests without an end."""
    return _held(address, 150, _HALF)


def very_many_half_sent(address: Address) -> int:
    """1,000 connections of one address with 50 KB of headers each, below the limit of one."""
    return _held(address, 1000, _HALF + b"X-A: " + b"a" * 50_000)


def nothing_sent(address: Address) -> int:
    """1,000 connections of one address that say nothing."""
    return _held(address, 1000, b"")


def slow_readers(address: Address) -> int:
    """200 clients that ask for the page 15 times, which no buffer holds, and never read it."""
    return _held(address, 200, _WHOLE * 15, window=4096)


def piled_requests(address: Address) -> int:
    """20 clients that ask 5,000 times each without reading."""
    return _held(address, 20, _WHOLE * 5000, window=4096)


def visitors(address: Address) -> int:
    """100 visitors who ask for the page at once, and read it."""
    with _connected(address, 100) as clients:
        sent = sum(_send(client, _WHOLE) for client in clients)
        for client in clients:
            client.settimeout(20)
            with contextlib.suppress(OSError):
                client.recv(1 << 16)
    return sent


def huge_webhooks(address: Address) -> int:
    """Ten deliveries of 3 MB without a good signature, and one of 200 MB in chunks."""
    head = b"POST /hooks/git HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Hub-Signature-256: sha256=00\r\n"
    body = b"x" * 3_000_000
    small = head + b"Content-Length: 3000000\r\n\r\n"
    sent = sum(_pour(address, small, body, len(body)) for _ in range(10))
    return sent + _chunked(address, head)


def huge_imports(address: Address) -> int:
    """Ten imports of 3 MB, and one of 200 MB in chunks."""
    head = b"POST /v1/p/models HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    body = b'{"model_name": "' + b"x" * 3_000_000
    small = head + b"Content-Length: %d\r\n\r\n" % len(body)
    sent = sum(_pour(address, small, body, len(body)) for _ in range(10))
    return sent + _chunked(address, head)


def _chunked(address: Address, head: bytes) -> int:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    return _pour(address, head + b"Transfer-Encoding: chunked\r\n\r\n", chunk, 200 << 20)


def _pour(address: Address, head: bytes, more: bytes, most: int) -> int:
    """Sends the head and then more and more, until that is `most` or the connection ends; how much went."""
    with socket.create_connection(address, timeout=5) as client:
        sent, ends = _send(client, head), time.monotonic() + 20
        while sent < most and time.monotonic() < ends:
            went = _send(client, more)
            sent += went
            if went < len(more):
                break
    return sent


def _held(address: Address, number: int, data: bytes, window: int = 0) -> int:
    """Opens connections, sends the data on each, and keeps them for a while."""
    with _connected(address, number, window) as clients:
        sent = sum(_send(client, data) for client in clients)
        time.sleep(_HELD)
    return sent


@contextmanager
def _connected(address: Address, number: int, window: int = 0) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            client = stack.enter_context(socket.socket())
            if window:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            client.settimeout(2)
            with contextlib.suppress(OSError):
                client.connect(address)
                clients.append(client)
        yield clients


def _send(client: socket.socket, data: bytes) -> int:
    """How much went before the other side had enough."""
    sent = 0
    with contextlib.suppress(OSError):
        while sent < len(data):
            sent += client.send(data[sent : sent + (1 << 16)])
    return sent
