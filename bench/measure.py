"""Whole processes, measured from outside: wall clock, processor time and peak memory."""

# ruff: noqa: S603 - what is started here is what is measured, and git

from __future__ import annotations

import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import connect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_LAUNCHER = (sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")))
_WAL_HEADER, _FRAME_HEADER = 32, 24  # bytes


@dataclass(frozen=True, slots=True)
class Run:
    """One process from start to end.

    Attributes:
        seconds: wall clock.
        cpu: processor seconds, those of its own children included.
        peak: MiB, of the largest process among it and its children.
        code: exit code.
    """

    seconds: float
    cpu: float
    peak: float
    code: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The same thing measured several times.

    Attributes:
        seconds: of each time, at least one.
        peak: MiB at most, None where memory was not measured.
        cpu: processor seconds, the median; None where they were not measured.
        rate: how many things one time handles, where a rate is more telling than a duration.
    """

    seconds: tuple[float, ...]
    peak: float | None = None
    cpu: float | None = None
    rate: int | None = None

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)


class CommandFailedError(Exception):
    """A measured command did not end as it should: its figures would mean nothing."""


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    stdin: Path | None = None,
    accept: frozenset[int] = frozenset({0}),
) -> Run:
    """Runs a command to its end; its output is thrown away.

    Raises:
        CommandFailedError: its exit code is not in `accept`; with the end of what it complained about.
    """
    with (
        tempfile.NamedTemporaryFile() as result,
        tempfile.TemporaryFile() as complaints,
        (stdin or Path(os.devnull)).open("rb") as feed,
    ):
        launched = [*_LAUNCHER, result.name, *command]
        subprocess.run(
            launched,
            cwd=cwd,
            env=dict(environment),
            stdin=feed,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            check=True,
        )
        seconds, cpu, kib, code = Path(result.name).read_text("ascii").split()
        if int(code) not in accept:
            complaints.seek(0)
            told = complaints.read().decode(errors="replace")[-2000:]
            raise CommandFailedError(f"{' '.join(command)}: exit code {code}\n{told}")
    return Run(float(seconds), float(cpu), int(kib) / 1024, int(code))


def several(times: int, once: Callable[[], Run], before: Callable[[], object] = tuple) -> Sample:
    """Runs something several times, each after `before`."""
    runs = []
    for _ in range(times):
        before()
        runs.append(once())
    return sample(runs)


def sample(runs: Sequence[Run], *, rate: int | None = None) -> Sample:
    """What several runs of the same thing tell."""
    seconds = tuple(each.seconds for each in runs)
    cpu = statistics.median(each.cpu for each in runs)
    return Sample(seconds, max(each.peak for each in runs), cpu, rate)


@contextmanager
def git_counted(folder: Path, environment: Mapping[str, str]) -> Iterator[tuple[dict[str, str], Path]]:
    """An environment in which every start of git is one line of a file; gives both."""
    real = shutil.which("git")
    shims, log = folder / "shims", folder / "git-processes"
    shims.mkdir(exist_ok=True)
    shim = shims / "git"
    shim.write_text(f'#!/bin/sh\necho "$@" >> "{log}"\nexec "{real}" "$@"\n', "utf-8")
    shim.chmod(0o755)
    log.write_bytes(b"")
    yield dict(environment) | {"PATH": f"{shims}{os.pathsep}{environment['PATH']}"}, log


def lines(file: Path) -> int:
    """How many lines a file has."""
    return file.read_bytes().count(b"\n")


class Commits:
    """Counts the transactions that other processes commit to an SQLite file in WAL mode, from outside."""

    def __init__(self, wal: Path) -> None:
        self._wal = wal
        self._before = commits_in(wal)

    def taken(self) -> int:
        """How many there were since the beginning."""
        return commits_in(self._wal) - self._before


@contextmanager
def commits_counted(database: Path) -> Iterator[Commits]:
    """Holds a read open, so that nobody may shorten the write-ahead log, in which each commit is marked."""
    with closing(connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        yield Commits(database.with_name(f"{database.name}-wal"))


def commits_in(wal: Path) -> int:
    """The commits in a write-ahead log: its newest frames that say how large the database is after them."""
    data = wal.read_bytes() if wal.exists() else b""
    if len(data) < _WAL_HEADER:
        return 0
    page, salt = struct.unpack(">I", data[8:12])[0], data[16:24]
    count = 0
    for start in range(_WAL_HEADER, len(data) - _FRAME_HEADER + 1, page + _FRAME_HEADER):
        if data[start + 8 : start + 16] != salt:
            break
        count += data[start + 4 : start + 8] != b"\0\0\0\0"
    return count
