"""A forked process is to its parent what a new interpreter would be."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.forked import Process, own_terminal

if TYPE_CHECKING:
    from pathlib import Path

_WORLD = """
import os, signal, sys
print(sys.argv, os.getcwd(), os.environ["COLOUR"], sys.stdin.read(), os.getppid() == int(sys.argv[2]))
print(os.umask(0), os.getsid(0) == os.getpid(), sorted(os.listdir("/proc/self/fd"))[:4], __name__)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGTERM))
print("told", file=sys.stderr)
"""
_PROGRAMS = {
    "its world": _WORLD,
    "an exit code": "raise SystemExit(7)",
    "an exit with words": "import sys; print('out'); sys.exit('why')",
    "what it registered for its end": "import atexit; atexit.register(print, 'bye')",
    "a thread that is still at work": "import threading; threading.Timer(0.05, print, ('late',)).start()",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
}


def _ended(kind: type[subprocess.Popen[Any]], program: str, folder: Path) -> tuple[int, str, str]:
    command = [sys.executable, "-c", program, "one", str(os.getpid())]
    streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    variables = os.environ | {"COLOUR": "green"}
    with kind(command, **streams, env=variables, cwd=folder, umask=0o27, start_new_session=True) as process:
        out, err = process.communicate(b"typed", timeout=60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("what", _PROGRAMS)
def test_a_fork_ends_and_says_what_a_new_interpreter_does(what: str, tmp_path: Path) -> None:
    """Arguments, variables, folder, streams, mask, session, parent, handlers, and the way it ends."""
    program = _PROGRAMS[what]
    assert _ended(Process, program, tmp_path) == _ended(subprocess.Popen, program, tmp_path)


_STANDING = """
import os, sys
print(os.getresuid(), os.getresgid(), os.getgroups(), os.access("/proc/self/fd", os.R_OK), sep="\\n")
print("reconciler.engine.cycle" in sys.modules)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="another user needs root")
def test_a_fork_may_be_another_users() -> None:
    """Its user, its group and groups, and it may look at itself, as after an exec."""
    with Process(
        [sys.executable, "-c", _STANDING],
        user=61_001, group=61_002, extra_groups=[61_003], stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        said = process.communicate(timeout=60)[0].splitlines()
    assert said == [str((61_001,) * 3), str((61_002,) * 3), "[61003]", "True", str(sys.platform == "linux")]


def test_a_fork_may_have_a_terminal_of_its_own() -> None:
    """The one that is its standard input, in a session of its own."""
    parent, child = pty.openpty()
    program = "import sys; open('/dev/tty').close(); print('reconciler.engine.cycle' in sys.modules)"
    with Process(
        [sys.executable, "-c", program],
        stdin=child, stdout=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=own_terminal,
    ) as process:  # fmt: skip
        assert process.communicate(timeout=60)[0] == f"{sys.platform == 'linux'}\n"
    os.close(parent)
    os.close(child)


def test_it_is_forked_and_not_started_anew() -> None:
    """The program is imported when it begins."""
    program = "import sys; print('reconciler.engine.cycle' in sys.modules)"
    with Process([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate(timeout=60)[0] == f"{sys.platform == 'linux'}\n"


def test_one_that_is_killed_is_waited_for_by_who_started_it() -> None:
    """`kill -9` reaches the process itself, and nothing of it is left."""
    program = "import time; print('here', flush=True); time.sleep(600)"
    with Process([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_what_a_fork_cannot_give_is_given_by_a_new_interpreter() -> None:
    """Other variables of the interpreter are read when it starts."""
    program = "import sys; print(sys.flags.utf8_mode, 'reconciler.engine.cycle' in sys.modules)"
    variables = os.environ | {"PYTHONUTF8": "0", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-c", program]
    with Process(command, stdout=subprocess.PIPE, env=variables, text=True) as process:
        assert process.communicate(timeout=60)[0] == "0 False\n"
