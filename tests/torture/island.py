"""A network namespace of its own, with nothing but a loopback device that can be taken down and up again.

While it is down, packets are lost in both directions: what was connected stays connected, and what the kernel
could not deliver it sends again later, as on a cable that was pulled and is plugged in again.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_CLONE_NEWNET = 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # netdevice(7)
_REQUEST = "16sh14x"
T = TypeVar("T")


class Island:
    """Exists while the block runs. Threads and processes may be there; files are the same everywhere."""

    def __enter__(self) -> Self:
        """Makes it, with its loopback device up."""
        self._namespace = _in_a_thread(_left_for_another)
        self.heal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves it to whoever is there."""
        os.close(self._namespace)

    @property
    def path(self) -> str:
        """By which another process enters it: see `ENTER`."""
        return f"/proc/{os.getpid()}/fd/{self._namespace}"

    def run(self, something: Callable[[], T]) -> T:
        """Does something there, in a thread that ends with it; sockets that it makes belong there."""

        def there() -> T:
            _call("setns", self._namespace, _CLONE_NEWNET)
            return something()

        return _in_a_thread(there)

    def listener(self, port: int = 0) -> socket.socket:
        """A socket that listens on 127.0.0.1 there."""
        return self.run(lambda: socket.create_server(("127.0.0.1", port)))

    def cut(self) -> None:
        """Loses every packet from now on."""
        self.run(lambda: _set_loopback(up=False))

    def heal(self) -> None:
        """Delivers packets again."""
        self.run(lambda: _set_loopback(up=True))


ENTER = """
import ctypes
with open({path!r}) as namespace:
    assert ctypes.CDLL(None).setns(namespace.fileno(), 0) == 0
"""
"""A program that enters the island of that path."""


@cache
def is_possible() -> bool:
    """Whether this process may make one: root may, on Linux, and not in every container."""
    if sys.platform != "linux":
        return False
    try:
        with Island():
            return True
    except OSError:
        return False


def _left_for_another() -> int:
    """Has the thread enter a new namespace; gives a descriptor of it."""
    _call("unshare", _CLONE_NEWNET)
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def _set_loopback(*, up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = fcntl.ioctl(any_socket, _GET_FLAGS, struct.pack(_REQUEST, b"lo", 0))
        name, flags = struct.unpack(_REQUEST, asked)
        flags = flags | _UP if up else flags & ~_UP
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack(_REQUEST, name, flags))


def _call(name: str, *arguments: int) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _in_a_thread(something: Callable[[], T]) -> T:
    """Does something in a thread of its own, and gives or raises what that did."""
    results: list[T] = []
    errors: list[BaseException] = []

    def do() -> None:
        try:
            results.append(something())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asked
            errors.append(error)

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
