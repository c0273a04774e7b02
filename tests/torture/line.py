"""A line between the program and what it stands on: it can be cut, or swallow everything and stay up."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from types import TracebackType

    from tests.torture.island import Island

Way = Literal["open", "cut", "swallow"]

_LOOK = 0.02  # seconds
_PIECE = 65_536


@dataclass
class Line:
    """Forwards 127.0.0.1:`port` to `where`: a TCP address, or the path of a Unix socket.

    Attributes:
        island: where it listens; here where None.
        way: `open` forwards; `cut` closes every connection and refuses new ones; `swallow` accepts everything
            and forwards nothing, as a network that loses packets behind a proxy.
    """

    where: tuple[str, int] | str
    way: Way = "open"
    island: Island | None = None
    port: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _pairs: dict[socket.socket, socket.socket] = field(default_factory=dict)
    _lost: list[socket.socket] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Listens."""
        self._listener: socket.socket | None = None
        self._thread = threading.Thread(target=self._forward, name="line", daemon=True)
        self._listen()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes everything."""
        self._stop.set()
        self._thread.join()
        self._close()

    def _listen(self) -> None:
        listener = self.island.listener if self.island else _listener
        self._listener = listener(self.port)
        self.port = self._listener.getsockname()[1]
        self._listener.settimeout(0)

    def _forward(self) -> None:
        while not self._stop.is_set():
            if self.way == "cut":
                self._close()
                self._stop.wait(_LOOK)
                continue
            if self._listener is None:
                self._listen()
            self._turn()

    def _turn(self) -> None:
        assert self._listener is not None
        with selectors.DefaultSelector() as watched:
            watched.register(self._listener, selectors.EVENT_READ)
            if self.way == "open":
                for one in self._pairs:
                    watched.register(one, selectors.EVENT_READ)
            for key, _ in watched.select(_LOOK):
                if key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._pairs:
                    self._pass_on(key.fileobj)
            if self.way == "swallow":
                self._stop.wait(_LOOK)

    def _accept(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            if self.way != "open":
                self._lost.append(near)
                return
            far = socket.socket(socket.AF_UNIX if isinstance(self.where, str) else socket.AF_INET)
            try:
                far.connect(self.where)
            except OSError:
                near.close()
                far.close()
                return
            self._pairs |= {near: far, far: near}

    def _pass_on(self, one: socket.socket) -> None:
        other = self._pairs[one]
        try:
            piece = one.recv(_PIECE)
            if piece:
                other.sendall(piece)
        except OSError:
            piece = b""
        if not piece:
            for end in (one, other):
                self._pairs.pop(end, None)
                end.close()

    def lose(self) -> None:
        """Whatever is connected now stays connected, and is never forwarded again."""
        self._lost += self._pairs
        self._pairs = {}

    def _close(self) -> None:
        for one in (*self._pairs, *self._lost, *([self._listener] if self._listener else [])):
            one.close()
        self._pairs, self._lost, self._listener = {}, [], None


def _listener(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))
