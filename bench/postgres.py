"""A PostgreSQL server of our own on a Unix socket, which keeps what it is told as a real one does."""

# ruff: noqa: S603 - what is started here are PostgreSQL's own programs

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
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
    """Runs PostgreSQL's programs as a user that may."""

    folder: Path
    home: Path
    user: str | None

    def __call__(self, program: str, *arguments: str) -> None:
        """Runs one to its end. Raises CalledProcessError."""
        subprocess.run(
            [str(self.folder / program), *arguments],
            user=self.user,
            check=True,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """A server of the programs in this folder while the block runs, durable as by default."""
    with ExitStack() as closing:
        home = Path(tempfile.mkdtemp(prefix="bench-pg-"))
        closing.callback(shutil.rmtree, home)
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(home, user)
        run = Runner(folder, home, user)
        data = ("-D", str(home / "data"))
        run("initdb", *data, "-U", "reconciler", "-A", "trust", "-E", "UTF8", "--no-locale")
        options = f"-k {home} -c listen_addresses=''"
        run("pg_ctl", *data, "-w", "-l", str(home / "log"), "-o", options, "start")
        closing.callback(run, "pg_ctl", *data, "-w", "-m", "fast", "stop")
        yield Server(home, run)
