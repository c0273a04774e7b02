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
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        self.pid = _server(variables).fork(order, theirs)
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


_servers: dict[str, _Server] = {}
"""By what `PYTHONPATH` is for their processes; the usual one by the empty text."""
_one_at_a_time = threading.Lock()


@contextmanager
def importing(package: Path) -> Iterator[str]:
    """Another program to fork: processes whose `PYTHONPATH` is what it gives, while the block runs.

    Args:
        package: the folder to import it from.
    """
    path = f"{package}{os.pathsep}{_ROOT}"
    _servers[path] = _started(path)
    try:
        yield path
    finally:
        _servers.pop(path).stop()


def _server(variables: dict[str, str]) -> _Server:
    own = _servers.get(variables.get("PYTHONPATH", ""))
    return own or _usual_server()


def _usual_server() -> _Server:
    with _one_at_a_time:
        if "" not in _servers:
            _servers[""] = _started(str(_ROOT))
            atexit.register(_servers[""].stop)
    return _servers[""]


def _started(path: str) -> _Server:
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        program = "from tests.fork_server import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(theirs.fileno())],
            cwd="/",  # where nothing can be imported from
            env={**os.environ, "LC_ALL": "C", "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    return _Server(process, mine)


def _can_fork(args: Any, variables: dict[str, str]) -> bool:
    if sys.platform != "linux" or args[0] != sys.executable or args[1] not in {"-m", "-c"}:
        return False
    ours = {one for one in variables.items() if one[0].startswith(_OF_INTERPRETERS)}
    return ours <= os.environ.items() | _MADE_GOOD | {("PYTHONPATH", path) for path in _servers}


def _adopt_orphans(on: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, int(on), 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
