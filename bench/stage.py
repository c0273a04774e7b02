"""Where one size is measured: a repository, a clone of it, a registry, and both programs set up on them."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from bench.generate import amend, declared, environment, generate, git
from bench.measure import Run, run
from bench.registry import PROJECT, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bench.registry import Served

ROOT = Path(__file__).parents[1]
_OURS = frozenset({0, 1})  # 1: something needs a human, which is no failure of the measurement

_CONFIGURATION = """
[source]
repo = "{repository}"
branch = "{branch}"
[targets.bench]
kind = "modelarts"
endpoint = "{url}"
project_id = "{project}"
rate = 1000000
in_flight = 32
timeout = "10m"
[state]
dir = "{state}"
{state_url}
[schedule]
every = "1h"
[guards]
max_imports_per_cycle = 1000000
[web]
enabled = false
"""


@dataclass(slots=True)
class Stage:
    """One repository beside one registry.

    Attributes:
        folder: everything lies below it.
        models: how many the repository declares to begin with.
        registry: where models are imported.
        variables: the environment of every process.
    """

    folder: Path
    models: int
    registry: Served
    variables: dict[str, str]
    _next: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._next = count(self.models)
        self.configure()

    @property
    def repository(self) -> Path:
        """The bare repository that declares the models."""
        return self.folder / "models.git"

    @property
    def clone(self) -> Path:
        """A clone of it with a work tree."""
        return self.folder / "clone"

    @property
    def state(self) -> Path:
        """The program's memory."""
        return self.folder / "state" / "state.db"

    def configure(
        self,
        *,
        repository: Path | None = None,
        branch: str = "main",
        state: str = "state",
        url: str | None = None,
    ) -> None:
        """Writes the program's configuration; its state is a file unless there is a URL."""
        text = _CONFIGURATION.format(
            repository=repository or self.repository,
            branch=branch,
            url=self.registry.url,
            project=PROJECT,
            state=state,
            state_url="" if url is None else f'url = "{url}"',
        )
        (self.folder / "reconciler.toml").write_text(text, "utf-8")

    def ours(self, *arguments: str) -> list[str]:
        """The program's command line."""
        return [sys.executable, "-m", "reconciler", *arguments]

    def naive(self, *arguments: str) -> list[str]:
        """The naive script's command line."""
        given = {"repo": self.clone, "url": self.registry.url, "project": PROJECT}
        options = [word for name, value in given.items() for word in (f"--{name}", str(value))]
        state = ["--state", str(self.folder / "naive.json")]
        return [sys.executable, str(ROOT / "bench" / "naive.py"), *options, *state, *arguments]

    def run_ours(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Run:
        """Runs the program once."""
        command = self.ours(*arguments)
        return run(command, cwd=self.folder, environment=variables or self.variables, accept=_OURS)

    def run_naive(self, variables: Mapping[str, str] | None = None) -> Run:
        """Runs the naive script once."""
        return run(self.naive(), cwd=self.folder, environment=variables or self.variables)

    def run_git(self, *arguments: str, stdin: Path | None = None, repository: Path | None = None) -> Run:
        """Runs git once on the repository."""
        command = ["git", *arguments]
        return run(command, cwd=repository or self.repository, environment=self.variables, stdin=stdin)

    def declare_one(self) -> None:
        """Commits one more manifest, of a model that the registry does not have."""
        number = next(self._next)
        parent = git(self.repository, "rev-parse", "main")
        amend(self.repository, "main", [[declared(number)]], parent=parent, at=200_000 + number)

    def forget(self) -> None:
        """Deletes everything that the program remembers."""
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def forget_state(self) -> None:
        """Deletes the program's state, and leaves it the index of what manifests say."""
        for file in self.state.parent.glob(f"{self.state.name}*"):
            file.unlink()


def variables(compiled: Path) -> dict[str, str]:
    """The environment of every measured process: nobody's configuration, this very checkout.

    Args:
        compiled: where Python keeps compiled modules: an installed program has them, whatever this process's
            own environment says.
    """
    kept = {
        name: value for name, value in environment().items() if not name.startswith(("RECONCILER_", "PYTHON"))
    }
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(compiled), "NO_COLOR": "1"}


@contextmanager
def stage(  # noqa: PLR0913 - what a measurement starts from
    folder: Path, models: int, *, full: bool, commits: int, delay: float = 0, layout: str = "sharded"
) -> Iterator[Stage]:
    """A stage of that size while the block runs.

    Args:
        folder: a new one.
        models: how many manifests.
        full: whether the registry has them all already.
        commits: over how many commits the manifests are spread.
        delay: seconds before each answer of the registry.
        layout: of the repository, as `bench.generate` has them.
    """
    folder.mkdir(parents=True)
    generate(folder / "models.git", models, commits=commits, layout="flat" if layout == "flat" else "sharded")
    environment_ = variables(folder.parent.parent / "compiled") | {"HOME": str(folder)}
    _clone(folder)
    database = folder / "registry.db"
    if full:
        preloading = [sys.executable, "-m", "bench.registry", "--database", str(database), "--no-serve"]
        run([*preloading, "--preload", str(models)], cwd=folder, environment=environment_)
    with served(database, environment_, delay=delay) as registry:
        made = Stage(folder, models, registry, environment_)
        for command in (made.naive("--help"), made.ours("status")):
            run(command, cwd=folder, environment=environment_)  # compiles what is measured
        yield made


def _clone(folder: Path) -> None:
    git(folder, "clone", "--quiet", "--branch=main", "--no-local", str(folder / "models.git"), "clone")
    for name, value in {"user.name": "Naive", "user.email": "naive@example.org", "gc.auto": "0"}.items():
        git(folder / "clone", "config", name, value)
