"""A process of Python in milliseconds: forked by a server that has imported the program already.

It is a child of this process like any other, with a process id, an exit code and signals of its own; only the
imports are saved. Where importing is itself what a test looks at, `subprocess` starts a new interpreter.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import json
import os
import socket
import subprocess
import sys
import termios
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

_SET_CHILD_SUBREAPER = 36  # prctl(2)
_OF_INTERPRETERS = ("PYTHON", "LC_", "LANG")
_MADE_GOOD = {("LC_ALL", "C"), ("PYTHONUNBUFFERED", "1"), ("PYTHONDONTWRITEBYTECODE", "1")}
"""Variables with which a fork is as a new interpreter is."""
_ROOT = Path(__file__).parents[1]


class Process(subprocess.Popen[Any]):
    """`subprocess.Popen` of `[sys.executable, "-m" or "-c", …]`, forked where that comes to the same.

    A new interpreter is started where a fork would differ: other variables of the interpreter, code that runs
    before the program (but for `own_terminal`), descriptors beyond the standard streams, a system without
    subreapers.
    """

    def _execute_child(self, *given: Any) -> None:
        """The step of Popen that starts the child, once streams and pipes are made."""
        args, executable, preexec_fn, _, pass_fds, cwd, env, _, _, shell = given[:10]
        streams, (_, gid, gids, uid, umask, session, group) = given[10:16], given[16:23]
        variables = dict(os.environ if env is None else env)
        special = (executable, preexec_fn not in (None, own_terminal), pass_fds, shell)
        if any(special) or group != -1 or not _can_fork(args, variables):
            super()._execute_child(*given)  # type: ignore[misc] # a private step, the same since Python 3.11
            return
        order = {
            "arguments": [os.fspath(one) for one in args[1:]],
            "variables": variables,
            "folder": os.fspath(cwd or Path.cwd()),
            "umask": umask,
            "session": bool(session),
            "terminal": preexec_fn is own_terminal,
            "groups": gids,
            "group": gid,
            "user": uid,
        }
        theirs = [mine if mine != -1 else number for number, mine in enumerate(streams[i] for i in (0, 3, 5))]
        self.pid = _server().fork(order, theirs)
        self._child_created = True
        self._close_pipe_fds(*streams)  # type: ignore[attr-defined]


def own_terminal() -> None:
    """For `preexec_fn`: the terminal that is standard input is that of the process's new session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def run(command: list[str], timeout: float = 60, **options: Any) -> subprocess.CompletedProcess[str]:
    """`subprocess.run` of such a command with both streams captured as text, forked in the same way."""
    captured: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    with Process(command, stdin=subprocess.DEVNULL, **captured, encoding="utf-8", **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@dataclass(frozen=True)
class _Server:
    process: subprocess.Popen[bytes]
    orders: socket.socket
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def fork(self, order: dict[str, Any], streams: list[int]) -> int:
        """Has a child of this process forked; gives its id."""
        with self.one_at_a_time:
            _adopt_orphans(True)  # the child's own parent ends before the answer comes
            try:
                socket.send_fds(self.orders, [json.dumps(order).encode()], streams)
                return int(self.orders.recv(16))
            finally:
                _adopt_orphans(False)  # those of others are not this process's to wait for

    def stop(self) -> None:
        self.orders.close()
        self.process.wait()


@cache
def _server() -> _Server:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fork_server", str(theirs.fileno())],
            cwd=_ROOT,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    server = _Server(process, mine)
    atexit.register(server.stop)
    return server


def _can_fork(args: Any, variables: dict[str, str]) -> bool:
    if sys.platform != "linux" or args[0] != sys.executable or args[1] not in {"-m", "-c"}:
        return False
    ours = {one for one in variables.items() if one[0].startswith(_OF_INTERPRETERS)}
    return ours <= os.environ.items() | _MADE_GOOD


def _adopt_orphans(on: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, int(on), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
