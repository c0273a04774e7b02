"""Imports the program once, and forks a process for each order that comes over a socket.

`tests.forked` starts it, orders, and becomes the parent of what is forked. Each child gets what a new
interpreter would have, arguments, variables, folder, streams, signals and session of its own, and shares only
the modules.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TextIO

import reconciler

_LOADED_LATE = (
    "anyio._backends._asyncio",
    "apscheduler.executors.asyncio",
    "asyncinotify",
    "encodings.ascii",
    "encodings.idna",
    "encodings.utf_8_sig",
    "git",
    "httpcore",
    "httpx",
    "prometheus_client.exposition",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite",
    "tests.torture.points",
    "typer._adapters",
    "uvicorn.lifespan.off",
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.auto",
)
"""What a command loads by name as it runs."""
_SET_DUMPABLE = 4  # prctl(2)
_LARGEST_ORDER = 1 << 20  # bytes: the variables of a process and its arguments


def main() -> None:
    """Serves the socket whose descriptor is the only argument; in a child, runs what was ordered."""
    import_everything()
    order, streams = _next_order(socket.socket(fileno=int(sys.argv[1])))
    _become(order, streams)
    _end(_exit_code(order["arguments"]))


def import_everything() -> None:
    """Every module of the program, and what it loads only as it runs."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith(("__main__", ".env")) and ".versions" not in module.name:
            import_module(module.name)
    for name in _LOADED_LATE:
        import_module(name)
    gc.freeze()  # a child that collects does not copy what all share


def _next_order(orders: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Forks for each order until nobody orders any more; returns in each child, with its order.

    The child is a grandchild whose parent ends before the answer: whoever ordered it is its parent then.
    """
    while True:
        text, streams, _, _ = socket.recv_fds(orders, _LARGEST_ORDER, 3)
        if not text:
            sys.exit()
        reading, telling = os.pipe()
        between = os.fork()
        if not between:
            pid = os.fork()
            if not pid:
                return json.loads(text), streams
            os.write(telling, b"%d" % pid)
            os._exit(0)
        os.waitpid(between, 0)
        orders.sendall(os.read(reading, 16))
        for descriptor in (reading, telling, *streams):
            os.close(descriptor)


def _become(order: dict[str, Any], streams: list[int]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, no paths
        if int(name) > 2:
            _close(int(name))
    if order["umask"] >= 0:
        os.umask(order["umask"])
    if order["session"]:
        os.setsid()
    _become_user(order)
    if order["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])
    time.tzset()
    tempfile.tempdir = None
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        opened = _stream(number, mode, getattr(sys, name))
        setattr(sys, name, opened)
        setattr(sys, f"__{name}__", opened)


def _become_user(order: dict[str, Any]) -> None:
    """Groups, group and user, where they are given; it may still look at itself, as after an exec."""
    if order["groups"] is not None:
        os.setgroups(order["groups"])
    if order["group"] is not None:
        os.setregid(order["group"], order["group"])
    if order["user"] is not None:
        os.setreuid(order["user"], order["user"])
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1)


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:  # the one that listed them
        return


def _stream(number: int, mode: str, like: TextIO) -> TextIO:
    """A standard stream as the interpreter opens it: a terminal, and standard error, by lines."""
    unbuffered = mode == "w" and bool(os.environ.get("PYTHONUNBUFFERED"))
    raw = open(number, f"{mode}b", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    by_line = number == 2 or os.isatty(number)
    return io.TextIOWrapper(raw, like.encoding, like.errors, line_buffering=by_line, write_through=unbuffered)


def _exit_code(arguments: list[str]) -> int:
    try:
        _run(arguments)
    except SystemExit as end:
        if isinstance(end.code, int | None):
            return end.code or 0
        print(end.code, file=sys.stderr)  # noqa: T201 - as the interpreter does
        return 1
    except BaseException:  # noqa: BLE001 - told as the interpreter tells it
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """Ends as the interpreter does, without taking apart each of the shared modules."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


def _run(arguments: list[str]) -> None:
    """What the interpreter does with `-m MODULE …` or `-c PROGRAM …`."""
    option, what, *rest = arguments
    if option == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = ""
        sys.argv = ["-c", *rest]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - a test's own program


if __name__ == "__main__":
    main()
