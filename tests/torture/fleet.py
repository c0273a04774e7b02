"""Three replicas on one state in PostgreSQL, and what may happen to one of them, or to all.

The registry takes a name and version twice, and shows a new model late, so that only the leases and the fence
prevent a duplicate. One replica's clock is an hour ahead. `python -m tests.torture.fleet --rounds 1000` plays
the rounds of `tests.torture.fleet_rounds`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import httpx

from reconciler.embedded import EmbeddedSettings, Faults, running
from reconciler.errors import Exit
from tests import cluster
from tests.forked import Process
from tests.git_repository import GitRepository, git_environment
from tests.plain_http import NO_TLS
from tests.program import manifest
from tests.torture.island import ENTER, Island
from tests.torture.line import Line
from tests.torture.site import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

REPLICAS = 3
LEASE, RENEW = 2.0, 0.5  # seconds
_SETTLE = 0.3
_TIMEOUT = 1.0
_STOPPED = 1.5  # seconds beyond its lease for which a process stands still, or is cut off
_AROUND = 0.6  # seconds after a commit in which its import is under way
_PATIENCE = 90.0
_NEWEST = 50  # models; more cannot come between two looks, and each is remembered by its id
_CONFIGURATION = f"""
[source]
repo = "{{repo}}"
branch = "main"
[targets.prod]
kind = "modelarts"
endpoint = "{{registry}}"
project_id = "p"
timeout = "{{timeout}}s"
[state]
dir = "{{folder}}"
url = "postgresql+psycopg://reconciler@127.0.0.1:{{port}}/postgres"
[ha]
lease = "{{lease}}s"
renew = "{{renew}}s"
[schedule]
every = "{{every}}"
grace = "5s"
[follow]
first = "100ms"
settle = "{_SETTLE}s"
[web]
enabled = false
[log]
format = "json"
"""
_AN_HOUR_AHEAD = """
import datetime, time_machine
ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
time_machine.travel(ahead, tick=True).start()
"""
_RUN = """
import runpy, sys
sys.argv[0] = "reconciler"
runpy.run_module("reconciler", run_name="__main__")
"""


@dataclass
class Replica:
    """One process, with a line of its own to the state's server, and perhaps on an island of its own."""

    number: int
    folder: Path
    line: Line
    island: Island | None
    process: subprocess.Popen[str] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Starts it; the last one with a clock that is an hour ahead."""
        enter = ENTER.format(path=self.island.path) if self.island else ""
        program = enter + _AN_HOUR_AHEAD * (self.number == REPLICAS - 1) + _RUN
        with (self.folder / "log").open("ab") as log:
            self.process = Process(
                [sys.executable, "-c", program, "run", "--config", str(self.folder / "reconciler.toml")],
                cwd=self.folder, env=dict(environment), text=True, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> None:
        """Kills it, whatever it is doing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def name(self) -> str:
        """By what name it leads."""
        return f"process {self.process.pid if self.process else 0} on "


@dataclass
class Fleet:
    """Everything, running while the block runs.

    Attributes:
        folder: for everything.
        pooled: whether the replicas reach the server through PgBouncer in transaction mode.
        package: a folder to import the program from; the installed one where None.
        more: of every replica's configuration; `{registry}` in it is the registry's address.
        apart: whether each replica has a network of its own; see `tests.torture.island`.
        size: how many replicas; the third has a clock that is an hour ahead.
        timeout: seconds that a call to the registry may take.
        lease, renew: seconds, of every replica's configuration.
        every: seconds from one scheduled tick to the next, with a unit.
        fails: a pattern of names; their imports end as failed.
        ids: of all models of each name that the registry ever had.
        committed: how many models, by `commit`.
    """

    folder: Path
    pooled: bool = False
    package: Path | None = None
    more: str = ""
    apart: bool = False
    size: int = REPLICAS
    timeout: float = _TIMEOUT
    lease: float = LEASE
    renew: float = RENEW
    every: str = "1s"
    fails: str | None = None
    replicas: list[Replica] = field(default_factory=list)
    ids: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    committed: int = 0

    def __enter__(self) -> Self:
        """Starts the server, the registry and the replicas."""
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
        self.repository = GitRepository(self.folder / "models")
        self.commit()
        self.server = self._closing.enter_context(Postgres())
        self._pooler: subprocess.Popen[bytes] | None = None
        where = self.server.socket
        if self.pooled:
            where = str(self.server.home / "pooler" / ".s.PGSQL.6432")
            self.start_pooler()
            self._closing.callback(self.stop_pooler)
        faults = Faults(accept_duplicates=True, visible_after=_SETTLE / 2)
        self.registry = self._closing.enter_context(
            running(EmbeddedSettings(publish_seconds=0.1, faults=faults, fail_pattern=self.fails))
        )
        self._client = self._closing.enter_context(httpx.Client(trust_env=False, verify=NO_TLS))
        self._environment = git_environment() | {"HOME": str(self.folder)}
        if self.package is not None:
            self._environment["PYTHONPATH"] = str(self.package)
        for number in range(self.size):
            self.replicas.append(self._replica(number, where))
        for replica in self.replicas:
            replica.start(self._environment)
        self._closing.enter_context(self._watched())
        self.until(lambda: self.has("m0"), "imported")

    def _replica(self, number: int, where: str) -> Replica:
        island = self._closing.enter_context(Island()) if self.apart else None
        replica = Replica(number, self.folder / f"replica-{number}", Line(where, island=island), island)
        replica.folder.mkdir()
        self._closing.enter_context(replica.line)
        if island:  # the registry has the same address there, as the target is known by it
            port = httpx.URL(self.registry).port or 0
            self._closing.enter_context(Line(("127.0.0.1", port), port=port, island=island))
        text = _CONFIGURATION.format(
            repo=self.repository.path,
            registry=self.registry,
            folder=replica.folder,
            port=replica.line.port,
            every=self.every,
            timeout=self.timeout,
            lease=self.lease,
            renew=self.renew,
        )
        more = self.more.replace("{registry}", self.registry)
        (replica.folder / "reconciler.toml").write_text(text + more, "utf-8")
        self._closing.callback(replica.end)
        return replica

    def commit(self) -> str:
        """Commits one new model; gives its name."""
        name = f"m{self.committed}"
        self.committed += 1
        self.repository.commit({f"models.d/{name}.yaml": manifest(f"{name}@1.0.0")})
        return name

    def rows(self, project: str = "p") -> Counter[str]:
        """How many models of each name the registry has, as far as one page goes."""
        return Counter(name for name, _ in self._newest(1000, project))

    def has(self, name: str) -> bool:
        """Whether the registry has a model of that name."""
        return name in self.ids

    def duplicates(self) -> list[str]:
        """The names of which there ever was more than one model."""
        return sorted(name for name, ids in self.ids.items() if len(ids) > 1)

    def lost(self) -> list[str]:
        """The names that were committed, and are not registered exactly once."""
        rows = self.rows()
        return [name for name in (f"m{number}" for number in range(self.committed)) if rows[name] != 1]

    def leader(self) -> Replica | None:
        """The replica that leads, by what the server says."""
        query = "SELECT holder FROM lease WHERE target = 'prod' AND expires_at > clock_timestamp()"
        holder = self.server.ask(query)
        return next((one for one in self.replicas if holder and holder.startswith(one.name)), None)

    def is_whole(self) -> bool:
        """Whether somebody leads, and all replicas campaign, by what they said lately; starts what ended."""
        self.supervise()
        lately = self.lease - 2 * self.renew
        query = f"SELECT count(*) FROM replica WHERE expires_at > clock_timestamp() + interval '{lately} s'"  # noqa: S608
        return self.server.ask(query) == str(self.size) and self.leader() is not None

    def restart(self, replica: Replica) -> None:
        """Starts a replica that ended."""
        replica.end()
        replica.start(self._environment)

    def supervise(self) -> None:
        """Starts what ended because the state was away as it started; nothing ends for another reason."""
        for replica in self.replicas:
            code = replica.process.poll() if replica.process is not None else None
            if code is not None:
                assert code == Exit.UNAVAILABLE, self.said(replica)
                self.restart(replica)

    def start_pooler(self) -> None:
        """Starts PgBouncer before the server."""
        home = self.server.home / "pooler"
        home.mkdir(exist_ok=True)
        (home / "users.txt").write_text('"reconciler" ""\n', "ascii")
        (home / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={self.server.home}\n[pgbouncer]\npool_mode = transaction\n"
            f"unix_socket_dir = {home}\nlisten_port = 6432\nauth_type = trust\n"
            f"auth_file = {home}/users.txt\nlogfile = {home}/log\nserver_login_retry = 1\n",
            "ascii",
        )
        user = "postgres" if os.geteuid() == 0 else None
        if user:
            for file in (home, *home.iterdir()):
                shutil.chown(file, user)
        program = pgbouncer()
        assert program is not None
        self._pooler = cluster.start_pooler(program, home, user)
        socket = home / ".s.PGSQL.6432"
        self.until(socket.exists, "listening")

    def stop_pooler(self) -> None:
        """Kills PgBouncer."""
        if self._pooler is not None:
            self._pooler.communicate()
            (self.server.home / "pooler" / ".s.PGSQL.6432").unlink(missing_ok=True)

    def until(self, true: Callable[[], bool], what: str) -> float:
        """Waits; gives the seconds it took."""
        began = time.monotonic()
        while not true():
            assert time.monotonic() < began + _PATIENCE, f"not {what} in time: {self.said()}"
            time.sleep(0.02)
        return time.monotonic() - began

    def said(self, *replicas: Replica) -> str:
        """The end of the log of these replicas, or of each."""
        chosen = replicas or self.replicas
        return "\n".join((replica.folder / "log").read_text("utf-8")[-3000:] for replica in chosen)

    def _newest(self, number: int, project: str = "p") -> list[tuple[str, str]]:
        """Name and id of the models that were registered last."""
        answer = self._client.get(f"{self.registry}/v1/{project}/models?limit={number}")
        models = answer.raise_for_status().json()["models"]
        return [(model["model_name"], model["model_id"]) for model in models]

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Counts the registry's models all the time, so that a duplicate is seen at every instant."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.05):
                for name, model_id in self._newest(_NEWEST):
                    self.ids[name].add(model_id)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def pgbouncer() -> str | None:
    """The program, where it is installed."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


def _kill(fleet: Fleet, replica: Replica) -> None:
    replica.end()
    fleet.restart(replica)


def _terminate(fleet: Fleet, replica: Replica) -> None:
    replica.send(signal.SIGTERM)
    assert replica.process is not None
    replica.process.wait()
    fleet.restart(replica)


def _stop(fleet: Fleet, replica: Replica) -> None:
    replica.send(signal.SIGSTOP)
    time.sleep(fleet.lease + _STOPPED)
    replica.send(signal.SIGCONT)


def _end_sessions(fleet: Fleet, _: Replica) -> None:
    fleet.server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )


def _restart_server(fleet: Fleet, _: Replica) -> None:
    fleet.server.stop()
    fleet.server.start()


def _restart_pooler(fleet: Fleet, _: Replica) -> None:
    fleet.stop_pooler()
    fleet.start_pooler()


def _cut(fleet: Fleet, replica: Replica) -> None:
    replica.line.way = "cut"
    time.sleep(fleet.lease + _STOPPED)
    replica.line.way = "open"


def _swallow(fleet: Fleet, replica: Replica) -> None:
    replica.line.way = "swallow"
    time.sleep(fleet.lease + _STOPPED)
    replica.line.lose()
    replica.line.way = "open"


def _isolate(fleet: Fleet, replica: Replica) -> None:
    """Neither the state nor the registry can be reached, and what was on its way comes late, if at all."""
    assert replica.island is not None
    replica.island.cut()
    time.sleep(fleet.lease + _STOPPED)
    replica.island.heal()


EVENTS: Mapping[str, Callable[[Fleet, Replica], None]] = {
    "kill -9": _kill,
    "SIGTERM": _terminate,
    "SIGSTOP, SIGCONT": _stop,
    "sessions terminated": _end_sessions,
    "server restarted": _restart_server,
    "pooler restarted": _restart_pooler,
    "network cut": _cut,
    "network swallows": _swallow,
    "namespace cut": _isolate,
}


if __name__ == "__main__":
    from tests.torture.fleet_rounds import main

    sys.exit(main())
