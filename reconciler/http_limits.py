"""What one connection to a server of this program may cost: bytes, time, and a place among the others.

Uvicorn bounds neither the head of a request nor the time that it takes to arrive, and with its own limit on
connections, half-sent requests turn everybody away. Here a head is refused once it is too large, a connection
that does not send a whole request in time, or does not take its answer, is ended. Of too many,
the oldest goes first that has sent no whole request.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from asyncio import TimerHandle


_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one listener.

    Attributes:
        head_bytes: of the request line and all headers together.
        head_seconds: from the connection, or the first byte of a further request, to the end of its headers.
        body_seconds: from there to the end of its body.
        connections: open at a time.
        half_open: connections of one address that have sent no whole request.
        pipelined: requests of one connection that wait for the answer to another.
        answer_seconds: in which a client has to take what it asked for.
        unread_bytes: of answers that wait for all clients together.
    """

    head_bytes: int = 64 * 1024
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    connections: int = 512
    half_open: int = 256
    pipelined: int = 16
    answer_seconds: float = 60.0
    unread_bytes: int = 64 * 1024 * 1024


def limited_protocol(limits: ConnectionLimits) -> type[asyncio.Protocol]:
    """The protocol for uvicorn's `http`; all connections of one listener share it."""

    class Limited(_LimitedProtocol):
        room = _Room(limits)

    return Limited


class _Room:
    """The connections of one listener: all of them, and those without a whole request, oldest first."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._all: set[_LimitedProtocol] = set()
        self._waiting: dict[_LimitedProtocol, str] = {}
        self._by_address: Counter[str] = Counter()
        self._unread: dict[_LimitedProtocol, None] = {}

    def enter(self, one: _LimitedProtocol, address: str) -> None:
        """Takes a connection, and ends the one that has waited longest where there are too many."""
        self._all.add(one)
        self.wait(one, address)
        if self._by_address[address] > self.limits.half_open:
            self._evict(address)
        if len(self._all) > self.limits.connections:
            self._evict(None)

    def wait(self, one: _LimitedProtocol, address: str) -> None:
        """The connection has nothing to be answered now."""
        if one in self._all and one not in self._waiting:
            self._waiting[one] = address
            self._by_address[address] += 1

    def serve(self, one: _LimitedProtocol) -> None:
        """The connection has sent a whole request."""
        address = self._waiting.pop(one, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def leave(self, one: _LimitedProtocol) -> None:
        """The connection is closed."""
        self.serve(one)
        self.taken(one)
        self._all.discard(one)

    def owe(self, one: _LimitedProtocol) -> None:
        """The connection has not taken its answer yet; where too much waits, those that take longest end."""
        self._unread[one] = None
        waiting = sum(each.unread for each in self._unread)
        while waiting > self.limits.unread_bytes and len(self._unread) > 1:
            slowest = next(iter(self._unread))
            waiting -= slowest.unread
            self.leave(slowest)
            slowest.transport.abort()

    def taken(self, one: _LimitedProtocol) -> None:
        """The connection has taken its answer."""
        self._unread.pop(one, None)

    def _evict(self, address: str | None) -> None:
        """Ends the oldest that waits: the newcomer itself where all others are being answered."""
        oldest = next(one for one, theirs in self._waiting.items() if address in (None, theirs))
        self.leave(oldest)
        oldest.transport.abort()


class _LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, with an eye on what has arrived of the request that is not whole yet."""

    room: _Room

    def __init__(self, *args: Any, **settings: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **settings)
        self._in_head = self._in_body = self._is_too_large = False
        self._received = self._parsed = 0
        self._timer: TimerHandle | None = None
        self._reader: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline()
        self.room.enter(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop_deadline()
        self._took_answer()
        self.room.leave(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._owe_answer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._took_answer()

    def data_received(self, data: bytes) -> None:
        if not self.unread:
            self._took_answer()
        super().data_received(data)
        if self._in_head:
            self._received += len(data)
            if self._received > self.room.limits.head_bytes:
                self._refuse()
        if self._timer is None and (self._in_head or self._in_body or self._is_idle):
            self._set_deadline()

    def on_message_begin(self) -> None:
        self._in_head = True
        self._received = self._parsed = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._parse(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._parse(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._in_body = False, True
        self._drop_deadline()
        if len(self.pipeline) >= self.room.limits.pipelined:
            raise httptools.HttpParserError("too many requests wait for their answers")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._drop_deadline()
        self.room.serve(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.unread:
            self._owe_answer()
        if self._is_idle:
            self.room.wait(self, self._address)

    def send_400_response(self, msg: str) -> None:
        if self._is_too_large:
            self._refuse()
        else:
            super().send_400_response(msg)

    @property
    def unread(self) -> int:
        """Bytes of answers that the client has not taken yet."""
        return self.transport.get_write_buffer_size()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _parse(self, part: int) -> None:
        """Counts a part of the head; one that came in a single piece is refused before it is served."""
        self._parsed += part
        if self._parsed > self.room.limits.head_bytes:
            self._is_too_large = True
            raise httptools.HttpParserError("the head is too large")

    def _refuse(self) -> None:
        self.transport.write(_TOO_LARGE)
        self.transport.close()

    def _set_deadline(self) -> None:
        limits = self.room.limits
        seconds = limits.body_seconds if self._in_body else limits.head_seconds
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _owe_answer(self) -> None:
        """An answer waits for its client; one that reads a byte now and then has no more time than others."""
        if self._reader is None:
            self._reader = self.loop.call_later(self.room.limits.answer_seconds, self._end_unread)
        self.room.owe(self)

    def _end_unread(self) -> None:
        self._reader = None
        if self.unread:
            self.transport.abort()

    def _took_answer(self) -> None:
        self.room.taken(self)
        if self._reader is not None:
            self._reader.cancel()
            self._reader = None

    def _drop_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
