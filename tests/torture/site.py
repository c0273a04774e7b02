"""A site to take things away from: `reconciler run`, with lines to its state, git and two registries."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.postgres import Runner, new_home
from bench.postgres import programs as postgres_programs
from reconciler.embedded import EmbeddedSettings, Faults, running
from tests import cluster
from tests.git_repository import GitRepository
from tests.plain_http import NO_TLS
from tests.program import Program, manifest
from tests.torture.line import Line
from tests.torture.scene import held_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

TARGETS = ("a", "b")
SETTLE = 0.3  # seconds; the registries take a name twice, and show a new model that much later at most
_ANSWER = 5.0  # seconds that an answer may take
_CONFIGURATION = """
[source]
repo = "http://127.0.0.1:{git}/models/.git"
branch = "main"
timeout = "3s"
[schedule]
every = "1s"
grace = "5s"
[web]
listen = "127.0.0.1:{web}"
[log]
format = "json"
[follow]
first = "100ms"
settle = "{settle}s"
[state]
url = "{state}"
"""
_TARGET = """
[targets.{name}]
kind = "modelarts"
endpoint = "http://127.0.0.1:{port}"
project_id = "project-{name}"
path = "models.d/{name}"
timeout = "2s"
"""


@dataclass
class Postgres:
    """A server of our own on a Unix socket, without durability: only the program is tried here."""

    home: Path = field(init=False)
    _run: Runner = field(init=False)
    _closing: ExitStack = field(init=False)

    def __enter__(self) -> Self:
        """Starts it."""
        programs = postgres_programs()
        assert programs is not None
        self._closing = ExitStack()
        self._run = self._closing.enter_context(new_home(programs))
        self.home = self._run.home
        cluster.fill(self.home / "data", self._run)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops and removes it."""
        self._closing.close()

    @property
    def socket(self) -> str:
        """The path of its socket."""
        return str(self.home / ".s.PGSQL.5432")

    def start(self) -> None:
        """Starts it."""
        options = f"-k {self.home} -c listen_addresses='' -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self.home / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stops it at once."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def execute(self, statement: str) -> None:
        """Carries out a statement as a user of the same database, again where it meets a deadlock."""
        import psycopg  # noqa: PLC0415 - an extra

        place = f"host={self.home} user=reconciler dbname=postgres"
        with psycopg.connect(place, autocommit=True) as connection:
            while True:
                with contextlib.suppress(psycopg.errors.DeadlockDetected):
                    connection.execute(statement)
                    return

    def ask(self, query: str) -> str | None:
        """The first value that a query gives."""
        import psycopg  # noqa: PLC0415 - an extra

        place = f"host={self.home} user=reconciler dbname=postgres"
        with psycopg.connect(place, autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        return None if row is None else str(row[0])


@dataclass(frozen=True)
class Probe:
    """What the program said at one moment. None: no answer, or no such series."""

    healthy: int | None
    ready: int | None
    why: str
    metrics: dict[str, float]


@dataclass
class Site:
    """Everything, running while the block runs.

    Attributes:
        folder: for everything.
        postgres: whether the state is in PostgreSQL, else in a file.
        lines: by `git`, `state` and the targets' names.
    """

    folder: Path
    postgres: bool
    lines: dict[str, Line] = field(default_factory=dict)
    server: Postgres | None = None
    _count: int = 0

    def __enter__(self) -> Self:
        """Starts git, registries, the state's server and the program, and waits until it is ready."""
        self._closing = ExitStack()
        try:
            self._begin()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends everything."""
        self._closing.close()

    def _begin(self) -> None:
        self.repository = GitRepository(self.folder / "www" / "models")
        self.commit()
        self._line("git", ("127.0.0.1", self._closing.enter_context(_served(self.folder / "www"))))
        self._registries = {name: self._registry(name) for name in TARGETS}
        self.program = Program(self.folder)
        self.web = self._closing.enter_context(held_port()).getsockname()[1]
        text = _CONFIGURATION.format(
            git=self.lines["git"].port, web=self.web, settle=SETTLE, state=self._state()
        )
        text += "".join(_TARGET.format(name=name, port=self.lines[name].port) for name in TARGETS)
        self.program.configure(text)
        self.log = self._closing.enter_context((self.folder / "log").open("ab"))
        self.start()
        self.until(lambda: self.probe().ready == 200, "ready")

    def start(self) -> None:
        """Starts the program."""
        self.process = self._closing.enter_context(self.program.spawn("run", stderr=self.log))

    def end(self) -> tuple[int, float]:
        """SIGTERM; gives the exit code and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60), time.monotonic() - began

    def commit(self) -> str:
        """Commits one new model for every target; gives its name."""
        name = f"m{self._count}"
        self._count += 1
        self.repository.commit(
            {f"models.d/{target}/{name}.yaml": manifest(f"{name}@1.0.0") for target in TARGETS}
        )
        self.repository.git("update-server-info")
        return name

    def rows(self, target: str) -> Counter[str]:
        """How many models of each name a registry has."""
        answer = _get(f"{self._registries[target]}/v1/project-{target}/models?limit=1000")
        return Counter(model["model_name"] for model in answer.raise_for_status().json()["models"])

    def duplicates(self) -> int:
        """How many models there are more than one of."""
        return sum(number - 1 for target in TARGETS for number in self.rows(target).values())

    def has(self, name: str, targets: tuple[str, ...] = TARGETS) -> bool:
        """Whether these targets have a model of that name."""
        return all(self.rows(target)[name] for target in targets)

    def until(self, true: Any, what: str, seconds: float = 120.0) -> float:
        """Waits; gives the seconds it took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() < began + seconds, f"not {what} in time: {self.said()}"
            time.sleep(0.05)
        return time.monotonic() - began

    def said(self) -> str:
        """The end of the program's log."""
        return (self.folder / "log").read_text("utf-8")[-3000:]

    def probe(self) -> Probe:
        """Asks the probes and the metrics."""
        answers = {path: self._get(path) for path in ("healthz", "readyz", "metrics")}
        ready, scraped = answers["readyz"], answers["metrics"]
        families = text_string_to_metric_families(scraped.text if scraped else "")
        metrics = {
            sample.name + sample.labels.get("target", ""): sample.value
            for family in families
            for sample in family.samples
            if sample.name.endswith("_up")
        }
        healthy = answers["healthz"]
        return Probe(
            healthy.status_code if healthy else None,
            ready.status_code if ready else None,
            ready.text.strip() if ready else "",
            metrics,
        )

    def _get(self, path: str) -> httpx.Response | None:
        try:
            return _get(f"http://127.0.0.1:{self.web}/{path}")
        except httpx.HTTPError:
            return None

    def _line(self, name: str, where: tuple[str, int] | str) -> Line:
        self.lines[name] = self._closing.enter_context(Line(where))
        return self.lines[name]

    def _registry(self, name: str) -> str:
        faults = Faults(accept_duplicates=True, visible_after=SETTLE / 2)
        url = self._closing.enter_context(running(EmbeddedSettings(publish_seconds=0.1, faults=faults)))
        self._line(name, ("127.0.0.1", int(url.rpartition(":")[2])))
        return url

    def _state(self) -> str:
        if not self.postgres:
            return f"sqlite:///{self.folder}/state/state.db"
        self.server = self._closing.enter_context(Postgres())
        line = self._line("state", self.server.socket)
        self.server.execute("CREATE SCHEMA here")
        return f"postgresql+psycopg://reconciler@127.0.0.1:{line.port}/postgres?options={quote('-csearch_path=here')}"


def _get(url: str) -> httpx.Response:
    return httpx.get(url, timeout=_ANSWER, trust_env=False, verify=NO_TLS)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


@contextlib.contextmanager
def _served(folder: Path) -> Iterator[int]:
    """Serves files, as git's dumb protocol wants them; gives the port."""
    server = _Server(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
