"""Starting, killing and awaiting lives of the program: forked, or each a new interpreter."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from tests.forked import Process, importing
from tests.git_repository import git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

KILLED = -signal.SIGKILL


class Start(Protocol):
    """Starts a life of the program; standard output and error go to `out` and `err` in the folder."""

    def __call__(
        self, folder: Path, command: Sequence[str], *, point: str | None = None, log: str = "program"
    ) -> Life:
        """Runs the command in the folder, until the point if there is one."""


@dataclass
class Life:
    """A process of the program."""

    process: subprocess.Popen[Any]

    def kill(self) -> None:
        """Ends it as `kill -9` does; one that has ended is left alone."""
        self.process.kill()

    def wait(self, seconds: float) -> int:
        """Its exit code, negative for a signal. Raises subprocess.TimeoutExpired."""
        return self.process.wait(seconds)


@dataclass(frozen=True)
class Lives:
    """How they are started.

    Attributes:
        starting: a process: forked from one that has imported the program, or a new interpreter.
        variables: beside those of the tests.
    """

    starting: type[subprocess.Popen[Any]] = Process
    variables: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self, folder: Path, command: Sequence[str], *, point: str | None = None, log: str = "program"
    ) -> Life:
        """See Start; `python -m reconciler …` as a user starts it, where no point is given."""
        inherited = git_environment().items()
        variables = {name: value for name, value in inherited if not name.startswith("RECONCILER_")}
        program = ["reconciler"] if point is None else ["tests.torture.life", point]
        with (folder / f"{log}.out").open("wb") as out, (folder / f"{log}.err").open("ab") as err:
            process = self.starting(
                [sys.executable, "-m", *program, *command],
                cwd=folder,
                env=variables | dict(self.variables),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        return Life(process)


forked = Lives()
executed = Lives(subprocess.Popen)


@contextmanager
def mutated(package: Path) -> Iterator[Start]:
    """Lives of another program, imported from that folder, while the block runs."""
    with importing(package) as path:
        yield Lives(variables={"PYTHONPATH": path})
