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
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from reconciler.contract import ModelKey
from reconciler.engine.values import EventKind
from reconciler.state import check, open_state
from tests.git_repository import GitRepository
from tests.torture.life import MANY, NOWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.engine.values import Event
    from tests.torture.lives import Life, Start

TIMEOUT, SETTLE = 6.0, 3.0  # seconds; the program's, see `_configuration`
SOON, LATE = 0.3, 1.5  # seconds until a new model shows in lists; less than the settling wait
HIDDEN = (
    SETTLE + 2.0
)  # the same, longer than the settling wait; a call that was answered at once is found all the same
DELAYED = 4.0  # seconds until a call is carried out whose connection has ended; less than a call may take
PATIENCE = 90.0  # seconds for a world to come to rest

_RULE = '[[rules]]\nmethod = "POST"\nname = "m1"\n'
_LOST = f'{_RULE}action = "drop"\ntimes = 1\n'
_GONE = f'{_LOST}moment = "before"\n'
_BUSY = f'{_RULE}action = "reply"\nmoment = "before"\nstatus = 429\ncode = "APIGW.0308"\nretry_after = "1"\n'
_REFUSED = f'{_RULE}action = "reply"\nmoment = "before"\nstatus = 400\ncode = "ModelArts.0107"\n'
_TAKEN = f'{_RULE}action = "reply"\nmoment = "before"\nstatus = 409\ncode = "ModelArts.3002"\n'
_CARRIED_OUT_LATE = f'{_RULE}action = "late"\nseconds = {DELAYED}\ntimes = 1\n'
_ALL_LATE = f'[[rules]]\nmethod = "POST"\naction = "late"\nseconds = {DELAYED}\nprobability = 0.5\n'
_WELL, _IN_NEED = 0, 1  # exit codes of `apply`


@dataclass(frozen=True)
class Plot:
    """What goes wrong besides the deaths, what was there before, and how it all ends.

    Attributes:
        rules: of the registry's script.
        mirrored: whether the manifests are read from a URL.
        schedule: lines of `[schedule]`.
        fail: a pattern of names whose imports end as failed.
        visible_after: seconds until a new model shows in lists; None leaves it to the trial.
        many: whether the program takes these few models for many, see `tests.torture.life`.
        before: what happens in the world before anybody dies.
        ends: the verdict at the end on each model that is not in sync, by name.
        unregistered: names of those of which the registry has none at the end.
    """

    rules: str = ""
    mirrored: bool = False
    schedule: str = ""
    fail: str | None = None
    visible_after: float | None = None
    many: bool = False
    before: Callable[[Scene], None] = lambda _: None
    ends: Mapping[str, str] = field(default_factory=dict)
    unregistered: frozenset[str] = frozenset()


def _one_more(scene: Scene) -> None:
    """Everything is in sync, and then one more model is committed."""
    scene.recover()
    scene.repository.commit({f"models.d/m{scene.models}.yaml": manifest(scene.models)})
    scene.models += 1


def _deleted_by_hand(scene: Scene) -> None:
    scene.recover({})
    (model_id,) = [model_id for (name, _), model_id in scene.rows() if name == "m1"]
    scene.call("DELETE", f"/{model_id}")


def _failed_once(scene: Scene) -> None:
    """An import fails in the registry, which is mended then."""
    scene.recover({"m1": "failed"})
    scene.fail = None
    scene.kill_registry()
    scene.serve()


def _everything_is_in_sync(scene: Scene) -> None:
    scene.recover()


def _another_content(scene: Scene) -> None:
    scene.register(1, "otherwise")
    time.sleep(scene.visible_after)


def _two_found(scene: Scene) -> None:
    scene.register(0)
    scene.register(1)
    time.sleep(scene.visible_after)


def _refused_once(scene: Scene) -> None:
    scene.recover({"m1": "failed"})


SCENES = {
    "plain": Plot(),
    "remote": Plot(mirrored=True),
    "moved": Plot(mirrored=True, before=_one_more),
    "many": Plot(many=True, before=_one_more),
    "lost": Plot(_LOST),
    "gone": Plot(_GONE),
    "busy": Plot(f"{_BUSY}times = 3\n"),
    "refused": Plot(_REFUSED, ends={"m1": "failed"}, unregistered=frozenset({"m1"})),
    "failing": Plot(fail="m1", ends={"m1": "failed"}),
    "foreign": Plot(before=_another_content, ends={"m1": "drifted"}),
    "deleted": Plot(before=_deleted_by_hand, ends={"m1": "missing"}, unregistered=frozenset({"m1"})),
    "found": Plot(before=_two_found, schedule="compare_at_most = 1\n"),
    "past": Plot(before=_everything_is_in_sync),
    "accepted": Plot(f"{_REFUSED}times = 1\n", before=_refused_once),
    "elsewhere": Plot(_TAKEN, ends={"m1": "failed"}, unregistered=frozenset({"m1"})),
    "late": Plot(_CARRIED_OUT_LATE),
    "all late": Plot(_ALL_LATE),
    "hidden": Plot(visible_after=HIDDEN),
    "mended": Plot(fail="m1", before=_failed_once),
}
"""What may be the matter, by name."""

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
    plot: Plot
    start: Start
    port: int
    models: int
    repository: GitRepository
    registry: Life | None = None
    fail: str | None = None
    visible_after: float = 0.0
    past: list[Event] = field(default_factory=list)
    strangers: set[tuple[str, str]] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    def serve(self, point: str | None = None) -> None:
        """Starts the registry, again on the same port, and waits until it listens."""
        command = ["registry", "serve", "--port", str(self.port), "--db", "registry.db", "--open"]
        command += ["--publish-seconds", "0.2", "--faults", "faults.toml"]
        command += ["--fail", self.fail] if self.fail else []
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

    def call(self, method: str, path: str = "", body: str | None = None) -> None:
        """A call by somebody else."""
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request(
                method, f"/v1/torture/models{path}", body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            assert answer.status < HTTPStatus.BAD_REQUEST, answer.read()

    def register(self, number: int, description: str = "as declared") -> None:
        """Somebody else registers a model that is declared here, equal unless it is described otherwise."""
        self.call("POST", body=json.dumps(request(number) | {"description": description}))
        self.strangers.add((f"m{number}", "1.0.0"))

    def watch(self) -> None:
        """Puts the trigger in place."""
        with contextlib.closing(sqlite3.connect(self.folder / "registry.db")) as connection:
            connection.executescript(_WATCH)

    def kill_registry(self) -> None:
        """Ends it as `kill -9` does."""
        assert self.registry is not None
        self.registry.kill()
        self.registry.wait(PATIENCE)

    def _program(self, command: list[str], point: str | None) -> Life:
        words = [MANY, *command] if self.plot.many else command
        return self.start(self.folder, words, point=NOWHERE if self.plot.many and not point else point)

    def apply(self, point: str | None = None) -> Life:
        """Starts one cycle."""
        return self._program(["apply", "--output", "json"], point)

    def retry(self, point: str | None = None) -> Life:
        """Starts another attempt at the model that something happens to."""
        return self._program(["retry", "m1@1.0.0", "--yes"], point)

    def compact(self, point: str | None = None) -> Life:
        """Starts to compress all of the journal."""
        return self._program(["state", "compact", "--days", "0"], point)

    def run(self, point: str | None = None) -> Life:
        """Starts the loop."""
        return self._program(["run"], point)

    def recover(self, ends: Mapping[str, str] | None = None, *, by_loop: bool = False) -> float:
        """Brings everything to its end, without any other help; seconds until then.

        Args:
            ends: the verdicts that are not `in-sync`, by name; None takes the plot's.
            by_loop: leave it to `run`, and let `apply` only confirm it; else `apply` as often as it takes.
        """
        expected = self._verdicts(self.plot.ends if ends is None else ends)
        usual = _IN_NEED if set(expected.values()) != {"in-sync"} else _WELL
        started = time.monotonic()
        if by_loop:
            life = self.run()
            while not self._is_at_rest() and time.monotonic() < started + PATIENCE:
                _pause(started)
            life.kill()
            life.wait(PATIENCE)
        while time.monotonic() < started + PATIENCE:
            code = self.apply().wait(PATIENCE)
            if code == usual and self.verdicts() == expected:
                return time.monotonic() - started
            _pause(started)
        self.violations.append(f"not at rest after {PATIENCE:g} s: {self.verdicts()}, {self.complaints()}")
        return time.monotonic() - started

    def _verdicts(self, ends: Mapping[str, str]) -> dict[str, str]:
        names = [f"m{number}" for number in range(self.models)]
        return {name: ends.get(name, "in-sync") for name in names}

    def _is_at_rest(self) -> bool:
        """Whether the state says so of every model declared."""
        with open_state(self.url, writer=False) as ledger:
            return len(ledger.entries("prod")) == self.models and not ledger.pending("prod")

    def verdicts(self) -> dict[str, str]:
        """What the last cycle printed, by name."""
        try:
            report = json.loads((self.folder / "program.out").read_text())
        except ValueError:
            return {}
        return {item["model_name"]: item["verdict"] for item in report["items"]}

    def complaints(self) -> str:
        """The end of what the program said on standard error."""
        return (self.folder / "program.err").read_text()[-2000:]

    def examine(self) -> None:
        """What must hold at every instant, dead or alive."""
        self._expect(check(self.url), "state")
        events = self._events()
        forgotten = [] if events[: len(self.past)] == self.past else ["the journal is not what it was"]
        self._expect(forgotten, "history")
        self.past = events
        asked = {tuple(event.pair) for event in events if event.kind is EventKind.IMPORT_REQUESTED}
        strays = [pair for pair, _ in self.rows() if pair not in asked | self.strangers]
        self._expect([f"{pair} is registered, and no intent was on disk" for pair in strays], "intent")
        self._expect([f"{pair} was registered twice" for pair in self.duplicates()], "duplicate")

    def examine_at_rest(self) -> None:
        """What must hold once everything is quiet."""
        self.examine()
        names = {f"m{number}" for number in range(self.models)} - self.plot.unregistered
        there = Counter(pair for pair, _ in self.rows())
        expected = {(name, "1.0.0") for name in names}
        self._expect([f"{pair} is lost" for pair in expected - there.keys()], "loss")
        self._expect([f"{pair} is there" for pair in there.keys() - expected], "stranger")
        self._expect([f"{pair} is there {n} times" for pair, n in there.items() if n > 1], "duplicate")
        with open_state(self.url, writer=False) as ledger:
            model_ids: dict[ModelKey, str | None] = dict(
                ledger.uncompared_ids("prod", {ModelKey(*pair) for pair in there})
            )
            model_ids |= {entry.pair: entry.model_id for entry in ledger.entries("prod").values()}
        wrong = [pair for pair, model_id in self.rows() if model_ids.get(ModelKey(*pair)) != model_id]
        self._expect([f"{pair} is remembered by another id" for pair in wrong], "memory")

    @property
    def url(self) -> str:
        """Of the state."""
        return f"sqlite:///{self.folder / '.reconciler' / 'state.db'}"

    def rows(self) -> list[tuple[tuple[str, str], str]]:
        """The registry's rows: pairs with their model ids."""
        records = self._ask("model_name, model_version, model_id", "models")
        return [((name, version), model_id) for name, version, model_id in records]

    def duplicates(self) -> list[tuple[str, str]]:
        """Every arrival of a pair that was there already."""
        return self._ask("model_name, model_version", "arrivals WHERE there_already > 0")

    def _ask(self, columns: str, table: str) -> list[Any]:
        with contextlib.closing(sqlite3.connect(self.folder / "registry.db")) as connection:
            return connection.execute(f"SELECT {columns} FROM {table}").fetchall()  # noqa: S608 - own text

    def _events(self) -> list[Event]:
        with open_state(self.url, writer=False) as ledger:
            return list(ledger.events("prod"))

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
    plot = SCENES[kind]
    visible_after = visible_after if plot.visible_after is None else plot.visible_after
    repository = GitRepository(folder / "origin" if plot.mirrored else folder)
    with held_port() as held:
        port = held.getsockname()[1]
        always = f"accept_duplicates = true\nvisible_after = {visible_after}\n"
        (folder / "faults.toml").write_text(always + plot.rules)
        source = repository.path.as_uri() if plot.mirrored else "."
        (folder / "reconciler.toml").write_text(_configuration(port, source, plot.schedule))
        scene = Scene(
            folder, plot, start, port, models, repository, fail=plot.fail, visible_after=visible_after
        )
        repository.commit({f"models.d/m{number}.yaml": manifest(number) for number in range(models)})
        try:
            scene.serve(registry_point)
            scene.watch()
            plot.before(scene)
            yield scene
        finally:
            scene.kill_registry()


def _pause(started: float) -> None:
    """Between two looks at a recovery, the longer the longer it takes already: each look costs a process."""
    time.sleep(0.1 + (time.monotonic() - started) / 20)


def held_port() -> socket.socket:
    """Keeps a port from everybody but a server that asks for that very one, as long as it is open."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


def request(number: int) -> dict[str, str]:
    """What one manifest declares."""
    return {
        "model_name": f"m{number}",
        "model_version": "1.0.0",
        "model_type": "TensorFlow",
        "source_location": f"https://models.obs.myhwclouds.com/m{number}",
        "description": "as declared",
    }


def manifest(number: int) -> str:
    """The text of one manifest."""
    return "".join(f"{name}: {value}\n" for name, value in request(number).items())


def _configuration(port: int, repository: str, schedule: str) -> str:
    return f"""
[source]
repo = "{repository}"
[targets.prod]
kind = "modelarts"
endpoint = "http://127.0.0.1:{port}"
project_id = "torture"
rate = 1000.0
timeout = "{TIMEOUT:g}s"
[follow]
settle = "{SETTLE:g}s"
first = "100ms"
[schedule]
every = "300ms"
{schedule}[web]
enabled = false
"""
