"""Starting, killing and awaiting lives of the program: forked by a nursery, or each a new interpreter."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.git_repository import git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KILLED = -signal.SIGKILL


class Life(Protocol):
    """A process of the program."""

    def kill(self) -> None:
        """Ends it as `kill -9` does; one that has ended is left alone."""

    def wait(self, seconds: float) -> int:
        """Its exit code, negative for a signal. Raises TimeoutError."""


class Start(Protocol):
    """Starts a life of the program; standard output and error go to `out` and `err` in the folder."""

    def __call__(
        self, folder: Path, command: Sequence[str], *, point: str | None = None, log: str = "program"
    ) -> Life:
        """Runs the command in the folder, until the point if there is one."""


@dataclass
class _Forked:
    pid: int
    connection: socket.socket
    code: int | None = None

    def kill(self) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> int:
        if self.code is None:
            self.connection.settimeout(seconds)
            self.code = int(self.connection.recv(16))
            self.connection.close()
        return self.code


@contextlib.contextmanager
def nursery(package: Path | None = None) -> Iterator[Start]:
    """Lives forked from one process that has imported everything already.

    Args:
        package: a folder to import the program from instead of the usual one.
    """
    with tempfile.TemporaryDirectory(prefix="nursery-") as folder:
        path = f"{folder}/socket"
        command = [sys.executable, "-m", "tests.torture.nursery", path]
        with subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(package),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            assert process.stdout.readline() == "ready\n"
            open_lives: list[_Forked] = []

            def start(
                folder: Path, command: Sequence[str], *, point: str | None = None, log: str = "program"
            ) -> Life:
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(path)
                order = {
                    "folder": str(folder),
                    "command": list(command),
                    "point": point,
                    "out": str(folder / f"{log}.out"),
                    "err": str(folder / f"{log}.err"),
                }
                connection.sendall(json.dumps(order).encode() + b"\n")
                life = _Forked(int(_line(connection)), connection)
                open_lives.append(life)
                return life

            try:
                yield start
            finally:
                for life in open_lives:
                    life.connection.close()
                process.stdin.close()


def _line(connection: socket.socket) -> bytes:
    """One line, byte by byte, so that nothing of the next is taken."""
    line = b""
    while not line.endswith(b"\n"):
        line += connection.recv(1)
    return line


@dataclass
class _Executed:
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.kill()

    def wait(self, seconds: float) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None


def executed(folder: Path, command: Sequence[str], *, point: str | None = None, log: str = "program") -> Life:
    """A life in an interpreter of its own: `python -m reconciler …`, as a user starts it."""
    program = ["reconciler"] if point is None else ["tests.torture.life", point]
    with (folder / f"{log}.out").open("wb") as out, (folder / f"{log}.err").open("ab") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", *program, *command],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    return _Executed(process)


def _environment(package: Path | None = None) -> dict[str, str]:
    """Nobody's settings for git, none for the program, and where to import both it and the tests from."""
    ours = {name: value for name, value in git_environment().items() if not name.startswith("RECONCILER_")}
    roots = [str(root) for root in (package, Path(__file__).parents[2]) if root]
    return ours | {"PYTHONPATH": os.pathsep.join(roots)}
