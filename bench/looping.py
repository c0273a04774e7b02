"""Both programs as loops: how long a tick takes inside a process that goes on."""

# ruff: noqa: S603 - what is started here is what is measured, and git

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.stage import Stage

_PATIENCE = 1800.0  # seconds for one tick
_NOTHING = "tick: nothing to do"
TICK = "tick"
"""What the log says of a tick that had something to do."""


@dataclass(slots=True)
class Looping:
    """`reconciler run` as a process, spoken to by signals and heard through its log."""

    process: subprocess.Popen[bytes]
    log: SimpleQueue[bytes]

    def idle_tick(self) -> float:
        """Asks for ticks until one has nothing to do; its seconds from signal to log line."""
        while True:
            started = time.monotonic()
            self.process.send_signal(signal.SIGUSR1)
            if self.heard(_NOTHING, TICK)["event"] == _NOTHING:
                return time.monotonic() - started

    def heard(self, *events: str) -> dict[str, object]:
        """The next log line of one of these events.

        Raises:
            RuntimeError: the program ended, or said nothing for too long.
        """
        with suppress(Empty):
            while line := self.log.get(timeout=_PATIENCE):
                said: dict[str, object] = json.loads(line)
                if said.get("event") in events:
                    return said
        raise RuntimeError(f"reconciler run: never said any of {events}")

    def cpu(self) -> float:
        """Processor seconds so far: of the threads that it has, and of its processes that ended."""
        folder = Path(f"/proc/{self.process.pid}")
        threads = sum(int(file.read_text("ascii").split()[0]) for file in folder.glob("task/*/schedstat"))
        fields = (folder / "stat").read_text("ascii").rpartition(")")[2].split()
        children = sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
        return threads / 1e9 + children

    def peak(self) -> float:
        """MiB at most so far."""
        return _peak(self.process.pid)


@contextmanager
def looping(stage: Stage, variables: Mapping[str, str] | None = None) -> Iterator[Looping]:
    """The program's loop after its first tick, while the block runs."""
    command = stage.ours("run", "--verbose", "--output", "json")
    with subprocess.Popen(
        command,
        cwd=stage.folder,
        env=dict(variables or stage.variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        if process.stderr is None:
            raise RuntimeError("reconciler run: no log")
        loop = Looping(process, SimpleQueue())
        reader = Thread(target=_read, args=(process.stderr, loop.log), daemon=True)
        reader.start()
        try:
            loop.heard(TICK)
            yield loop
        finally:
            process.terminate()
            process.wait()
            reader.join()


def _read(log: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Takes each line as it comes: a program whose log nobody reads stands still once the pipe is full."""
    for line in log:
        lines.put(line)
    lines.put(b"")


def import_seconds(
    stage: Stage, started: float, patience: float = _PATIENCE, earlier: float | None = None
) -> float:
    """Seconds from `started` to the arrival of an import call at the registry.

    Args:
        stage: where.
        started: the moment, on the monotonic clock.
        patience: seconds to wait.
        earlier: when the import before arrived, where one may arrive before `started` is taken.

    Raises:
        RuntimeError: none arrived.
    """
    while time.monotonic() < started + patience:
        arrived = stage.registry.seen()["latest_import_at"]
        if arrived > (started if earlier is None else earlier):
            return max(0.0, arrived - started)
        time.sleep(0.005)
    raise RuntimeError("no import call arrived")


@dataclass(slots=True)
class NaiveLoop:
    """The naive script as a process that ticks when told to."""

    process: subprocess.Popen[bytes]

    def tick(self) -> float:
        """One tick; its seconds as the script tells them."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("naive script: no pipes")
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline().split()[1])

    def peak(self) -> float:
        """MiB at most so far."""
        return _peak(self.process.pid)


@contextmanager
def naive_looping(stage: Stage) -> Iterator[NaiveLoop]:
    """The naive script's loop, while the block runs."""
    with subprocess.Popen(
        stage.naive("--loop"),
        cwd=stage.folder,
        env=stage.variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield NaiveLoop(process)
        finally:
            process.communicate()


def _peak(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8", errors="replace")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
