"""A process that appends groups of events until it is killed, and says which ones were durable.

As a program: `python -m tests.state.child URL`; it prints the number of each group whose append returned.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Self

from tests.forked import Process
from tests.state.leading import let_leases_expire, open_state
from tests.state.samples import imported, requested

if TYPE_CHECKING:
    from reconciler.engine.values import Event
    from reconciler.state import SqlLedger

GROUP = 6
"""Events in a group: half of them requests, half of them answers, of three models."""


def group(number: int) -> list[Event]:
    """The events of one group; each is known by its minute."""
    names = [f"model-{number % 7}", f"model-{number}", "shared"]
    return [make(name, minute=number) for name in names for make in (requested, imported)]


class Child:
    """The program above, running."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.acknowledged = -1
        command = [sys.executable, "-m", "tests.state.child", url]
        self._process = Process(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def group(self) -> None:
        """Waits until another group is durable."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.endswith("\n"), self._end()
        self.acknowledged = int(line)

    def kill(self) -> None:
        """Ends it with SIGKILL, and reads the last it said; safe to call twice."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if self._process.stdout.closed:
            return
        self._process.kill()
        for line in self._process.stdout:
            if line.endswith("\n"):
                self.acknowledged = int(line)
        self._process.stdout.close()
        self._process.stderr.close()
        self._process.wait()

    def _end(self) -> str:
        """How it ended by itself: its exit code, and what it said of it."""
        assert self._process.stderr is not None
        return f"exit code {self._process.wait()}: {self._process.stderr.read()}"

    def next_writer(self) -> SqlLedger:
        """Opens the state after it; where there are leases, once its own has expired."""
        let_leases_expire(self.url)
        return open_state(self.url, writer=True)


def main(url: str) -> None:
    """Appends for ever, going on where the journal ends."""
    with open_state(url, writer=True) as ledger:
        number = len(ledger.events()) // GROUP
        while True:
            ledger.append(group(number))
            print(number, flush=True)  # noqa: T201 - what the parent waits for
            number += 1


if __name__ == "__main__":
    main(sys.argv[1])
