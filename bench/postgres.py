"""A PostgreSQL server of our own on a Unix socket, which keeps what it is told as a real one does."""

# ruff: noqa: S603 - what is started here are PostgreSQL's own programs

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return installed[-1] if installed else None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    home: Path
    _run: Runner
    _numbers: count[int] = field(default_factory=count)

    def new_state(self) -> str:
        """The URL of a database that nobody has used yet."""
        name = f"state_{next(self._numbers)}"
        self._run("createdb", "-h", str(self.home), "-U", "reconciler", name)
        return f"postgresql+psycopg://reconciler@/{name}?host={self.home}"


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs PostgreSQL's programs on the cluster `data` in a folder, as a user that may."""

    folder: Path
    home: Path
    user: str | None
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, program: str, *arguments: str) -> None:
        """Runs one to its end. Raises CalledProcessError."""
        subprocess.run(
            [str(self.folder / program), *arguments],
            user=self.user,
            check=True,
            cwd=self.home,
            env=os.environ | {"PGDATA": str(self.home / "data")} | self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


_END = 'read -r _; "$0" -D "$1/data" -m immediate stop; rm -rf "$1"'
"""Waits until its standard input is closed, and ends a cluster."""


@contextmanager
def new_home(folder: Path, **variables: str) -> Iterator[Runner]:
    """A folder for a new cluster, which is stopped and removed at the end of the block, or of this process.

    That also holds where the process is killed: nobody else has the other end of the pipe that closes then.

    Args:
        folder: of PostgreSQL's programs.
        variables: of their environment.
    """
    home = Path(tempfile.mkdtemp(prefix="reconciler-pg-"))
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user)
    end = subprocess.Popen(
        ["/bin/sh", "-c", _END, str(folder / "pg_ctl"), str(home)],
        user=user,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is not for it
    )
    try:
        yield Runner(folder, home, user, variables)
    finally:
        end.communicate()


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server of the programs in this folder while the block runs, durable as by default."""
    with new_home(folder) as run:
        run("initdb", "-U", "reconciler", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-k {run.home} -c listen_addresses=''"
        run("pg_ctl", "-w", "-l", str(run.home / "log"), "-o", options, "start")
        yield Server(run.home, run)
