"""A world to die in: a repository, a configuration, a state, and a registry in another process.

The registry accepts a name and version twice and shows new models late, so that nothing but the program
stands between a death and a duplicate. A trigger in its database writes down every arrival together with how
many rows of that pair there were already: "never more than one at any instant" is counted, not sampled.
"""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from reconciler.contract import Pair
from reconciler.engine.values import EventKind
from reconciler.state import check, open_state
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.torture.lives import Life, Start

SOON, LATE = 0.3, 1.5  # seconds until a new model shows in lists; less than the settling wait below
PATIENCE = 90.0  # seconds for a world to come to rest

_RULE = '[[rules]]\nmethod = "POST"\nname = "m1"\n'
_LOST = f'{_RULE}action = "drop"\ntimes = 1\n'
_GONE = f'{_LOST}moment = "before"\n'
_BUSY = f'{_RULE}action = "reply"\nmoment = "before"\nstatus = 429\ncode = "APIGW.0308"\nretry_after = "1"\n'
SCENES = {
    "plain": "",
    "remote": "",
    "moved": "",
    "lost": _LOST,
    "gone": _GONE,
    "busy": f"{_BUSY}times = 3\n",
}
"""What goes wrong besides the death; `remote` and `moved` read the manifests through a mirror."""

_WATCH = """
CREATE TABLE arrivals (model_name TEXT, model_version TEXT, there_already INTEGER);
CREATE TRIGGER watch AFTER INSERT ON models BEGIN
  INSERT INTO arrivals SELECT new.model_name, new.model_version, count(*) - 1 FROM models
  WHERE model_name = new.model_name AND model_version = new.model_version;
END;
"""


@dataclass
class Scene:
    """One world; `opened` makes it and ends its processes."""

    folder: Path
    kind: str
    start: Start
    port: int
    models: int
    repository: GitRepository
    registry: Life | None = None
    violations: list[str] = field(default_factory=list)

    def serve(self, point: str | None = None) -> None:
        """Starts the registry, again on the same port, and waits until it listens."""
        command = ["registry", "serve", "--port", str(self.port), "--db", "registry.db"]
        command += ["--publish-seconds", "0.2", "--faults", "faults.toml"]
        self.registry = self.start(self.folder, command, point=point, log="registry")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, HTTPException):
                self._ask_for_health()
                return
            time.sleep(0.02)
        raise AssertionError((self.folder / "registry.err").read_text())

    def _ask_for_health(self) -> None:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            connection.getresponse().read()

    def watch(self) -> None:
        """Puts the trigger in place."""
        with contextlib.closing(sqlite3.connect(self.folder / "registry.db")) as connection:
            connection.executescript(_WATCH)

    def kill_registry(self) -> None:
        """Ends it as `kill -9` does."""
        assert self.registry is not None
        self.registry.kill()
        self.registry.wait(PATIENCE)

    def apply(self, point: str | None = None) -> Life:
        """Starts one cycle."""
        return self.start(self.folder, ["apply", "--output", "json"], point=point)

    def run(self, point: str | None = None) -> Life:
        """Starts the loop."""
        return self.start(self.folder, ["run"], point=point)

    def recover(self, *, by_loop: bool = False) -> float:
        """Brings everything in sync, without any other help; seconds until then.

        Args:
            by_loop: leave it to `run`, and let `apply` only confirm it; else `apply` as often as it takes.
        """
        started = time.monotonic()
        if by_loop:
            life = self.run()
            while not self._all_published() and time.monotonic() < started + PATIENCE:
                time.sleep(0.1)
            life.kill()
            life.wait(PATIENCE)
        while time.monotonic() < started + PATIENCE:
            code = self.apply().wait(PATIENCE)
            if code == 0 and set(self.verdicts()) == {"in-sync"}:
                return time.monotonic() - started
            time.sleep(0.1)
        self.violations.append(f"not at rest after {PATIENCE:g} s: {self.verdicts()}, {self.complaints()}")
        return time.monotonic() - started

    def _all_published(self) -> bool:
        """Whether the state says so of every model declared."""
        with open_state(self.url, writer=False) as ledger:
            known = ledger.entries("prod").values()
        return [entry.model_status for entry in known] == ["published"] * self.models

    def verdicts(self) -> list[str]:
        """What the last cycle printed."""
        try:
            report = json.loads((self.folder / "program.out").read_text())
        except ValueError:
            return []
        return [item["verdict"] for item in report["items"]]

    def complaints(self) -> str:
        """The end of what the program said on standard error."""
        return (self.folder / "program.err").read_text()[-2000:]

    def examine(self) -> None:
        """What must hold at every instant, dead or alive."""
        self._expect(check(self.url), "state")
        requested = self._requested()
        strays = [pair for pair in self.rows() if pair not in requested]
        self._expect([f"{pair} is registered, and no intent was on disk" for pair in strays], "intent")
        self._expect([f"{pair} was registered twice" for pair in self.duplicates()], "duplicate")

    def examine_at_rest(self) -> None:
        """What must hold once everything is quiet."""
        self.examine()
        wanted = [(f"m{number}", "1.0.0") for number in range(self.models)]
        self._expect([f"{pair} is lost" for pair in wanted if pair not in self.rows()], "loss")
        with open_state(self.url, writer=False) as ledger:
            known = {entry.pair: entry.model_id for entry in ledger.entries("prod").values()}
        wrong = [pair for pair, model_id in self.rows().items() if known.get(Pair(*pair)) != model_id]
        self._expect([f"{pair} is remembered by another id" for pair in wrong], "memory")

    @property
    def url(self) -> str:
        """Of the state."""
        return f"sqlite:///{self.folder / '.reconciler' / 'state.db'}"

    def rows(self) -> dict[tuple[str, str], str]:
        """The registry's rows: model id by pair."""
        found = self._ask("model_name, model_version, model_id", "models")
        return {(name, version): model_id for name, version, model_id in found}

    def duplicates(self) -> list[tuple[str, str]]:
        """Every arrival of a pair that was there already."""
        return self._ask("model_name, model_version", "arrivals WHERE there_already > 0")

    def _ask(self, columns: str, table: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.folder / "registry.db")) as connection:
            return connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - own text

    def _requested(self) -> set[tuple[str, str]]:
        with open_state(self.url, writer=False) as ledger:
            events = ledger.events("prod")
        requested = (event.pair for event in events if event.kind is EventKind.IMPORT_REQUESTED)
        return {(pair.model_name, pair.model_version) for pair in requested}

    def _expect(self, problems: list[str] | tuple[str, ...], about: str) -> None:
        self.violations += [f"{about}: {problem}" for problem in problems]


@contextlib.contextmanager
def opened(
    folder: Path,
    kind: str,
    start: Start,
    *,
    models: int = 3,
    visible_after: float = SOON,
    registry_point: str | None = None,
) -> Iterator[Scene]:
    """A world with that many models declared and none imported.

    Args:
        folder: empty.
        kind: one of SCENES.
        start: how processes are started.
        models: how many.
        visible_after: seconds until a new model shows in lists.
        registry_point: where the registry is to die.
    """
    mirrored = kind in ("remote", "moved")
    repository = GitRepository(folder / "origin" if mirrored else folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    always = f"accept_duplicates = true\nvisible_after = {visible_after}\n"
    (folder / "faults.toml").write_text(always + SCENES[kind])
    source = repository.path.as_uri() if mirrored else "."
    (folder / "reconciler.toml").write_text(_configuration(port, source))
    scene = Scene(folder, kind, start, port, models, repository)
    repository.commit({f"models.d/m{number}.yaml": manifest(number) for number in range(models)})
    try:
        scene.serve(registry_point)
        scene.watch()
        if kind == "moved":
            scene.recover()
            repository.commit({f"models.d/m{models}.yaml": manifest(models)})
            scene.models += 1
        yield scene
    finally:
        scene.kill_registry()


def manifest(number: int) -> str:
    """The text of one manifest."""
    return (
        f"model_name: m{number}\nmodel_version: 1.0.0\nmodel_type: TensorFlow\n"
        f"source_location: https://models.obs.myhwclouds.com/m{number}\n"
    )


def _configuration(port: int, repository: str) -> str:
    return f"""
[source]
repo = "{repository}"
[targets.prod]
kind = "modelarts"
endpoint = "http://127.0.0.1:{port}"
project_id = "torture"
rate = 1000.0
timeout = "20s"
[follow]
settle = "3s"
first = "100ms"
[schedule]
every = "300ms"
[web]
enabled = false
"""
