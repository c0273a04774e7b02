"""Starts lives of the program in milliseconds: imports it once, then forks a process for each life.

Each connection to the socket orders one life with a line of JSON, is told its process id, and later how it
ended. A life whose orderer goes away is killed; the nursery ends with its standard input.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from tests.fork_server import import_everything
from tests.torture.life import live


def nurse(path: str) -> None:
    """Listens on a Unix socket at `path` until standard input ends."""
    import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)  # noqa: T201 - for the process that started this one
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _attend(connection)
            connection.close()


def _attend(connection: socket.socket) -> NoReturn:
    """One life from its order to its end.

    The life alone holds one end of a pipe, which nothing that it starts inherits; the other tells of its end.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    order = json.loads(connection.makefile().readline())
    ended, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        connection.close()
        _live(order)
    os.close(held)
    connection.sendall(f"{pid}\n".encode())
    if ended not in select.select([ended, connection.fileno()], [], [])[0]:  # its orderer is gone
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ConnectionError):
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _live(order: dict[str, Any]) -> NoReturn:
    os.chdir(order["folder"])
    for descriptor, (name, flags) in enumerate(
        [
            (os.devnull, os.O_RDONLY),
            (order["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
            (order["err"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ]
    ):
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    code = 70
    try:
        live(order["point"], order["command"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - told in the life's own log
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    nurse(sys.argv[1])
