"""Every kind of tick, once, on a repository and a registry of a given size, with what each of them did."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from bench.generate import FIRST, declared, generate
from bench.measure import commits_counted, git_counted, lines
from bench.preloading import preload
from bench.registry import as_sent
from reconciler.app.session import Listeners, open_session
from reconciler.daemon.cycle_job import CycleJob, EventCounter
from reconciler.embedded import EmbeddedSettings
from reconciler.engine.clock import Clock
from reconciler.settings import load
from reconciler.source.commands import Commands
from tests.counts.sqlite_reads import reads
from tests.daemon.counted import CountedRegistry
from tests.forked import Process
from tests.git_repository import GitRepository, git_environment
from tests.program import Program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping
    from pathlib import Path

    from reconciler.app.session import Session

_CONFIGURATION = """
[source]
repo = "models.git"
branch = "main"
[targets.prod]
kind = "modelarts"
endpoint = "{url}"
project_id = "project"
rate = 1000000
[state]
dir = "state"
"""

FEW = 1000
"""With fewer models the program judges all of them in every cycle, as it comes."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one tick did.

    Attributes:
        git: processes started.
        asked: requests, by what for: `list`, `detail` or `import`.
        parsed: manifest files read; None where nobody can see it.
        written: transactions of the state.
        indexed: transactions of the index.
        rows: that the state and the index handed out; 0 where nobody can see it.
        steps: that SQLite took for it, in hundreds.
    """

    git: int
    asked: Mapping[str, int] = field(default_factory=dict)
    parsed: int | None = 0
    written: int = 0
    indexed: int = 0
    rows: int = field(default=0, compare=False)
    steps: int = field(default=0, compare=False)


def asked(requests: list[str]) -> Mapping[str, int]:
    """Requests by what they are for."""
    return Counter(map(_kind, requests))


def _kind(request: str) -> str:
    method, path = request.split()
    if method == "POST":
        return "import"
    return "list" if path.endswith("/models") else "detail"


@dataclass(slots=True)
class Site:
    """A repository of so many generated manifests, and a registry that has them all.

    Attributes:
        now: what the clock says inside this process; it stands still until it is moved.
    """

    folder: Path
    models: int
    registry: CountedRegistry
    now: datetime
    _next: count[int] = field(init=False)

    def __post_init__(self) -> None:
        self._next = count(self.models)
        generate(self.folder / "models.git", self.models, commits=2)
        text = _CONFIGURATION.format(url=self.registry.url)
        (self.folder / "reconciler.toml").write_text(text, "utf-8")

    def commit(self, changes: Mapping[str, str | None]) -> None:
        """Commits files to the branch; None removes one."""
        self._commit(
            f"D {path}\n" if text is None else f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"
            for path, text in changes.items()
        )

    def _commit(self, changes: Iterable[str]) -> None:
        head = "commit refs/heads/main\ncommitter Author <a@example.org> 1800000000 +0000\ndata 6\nChange\n"
        parts = [head, "from refs/heads/main^0\n", *changes]
        repository = GitRepository(self.folder / "models.git", bare=True)
        repository.git("fast-import", "--quiet", stdin="".join(parts).encode())

    def move_all(self) -> None:
        """Commits a move of all manifests to another folder of the target."""
        self._commit(["R models.d elsewhere\nR elsewhere models.d/elsewhere\n"])

    def declare(self) -> None:
        """Commits one more manifest, of a model that the registry does not have."""
        new = declared(next(self._next))
        self.commit({new.path: new.text()})

    def forget_state(self) -> None:
        """Removes what the program remembers, but for the index."""
        for file in (self.folder / "state").glob("state.db*"):
            file.unlink()

    def _starting(self) -> type[subprocess.Popen[Any]]:
        """A new interpreter starts what importing starts, too; one size of a site is enough to count that."""
        return subprocess.Popen if self.models < FEW else Process

    @asynccontextmanager
    async def running(
        self, *, judge_all_below: int = 0, compare_at_most: int | None = None
    ) -> AsyncIterator[Running]:
        """The loop's ticker inside this process; it compares as many at a time as it comes, where None."""
        clock, deeds = Clock(now=lambda: self.now, chance=lambda: 0.0), EventCounter()
        configuration = load(None, cwd=self.folder)
        reads()  # hears of connections from now on
        async with open_session(configuration, acts=True, clock=clock, listeners=Listeners(deeds)) as world:
            engine = world.engine
            engine.targets = tuple(
                replace(
                    one,
                    judge_all_below=judge_all_below,
                    compare_at_most=one.compare_at_most if compare_at_most is None else compare_at_most,
                )
                for one in engine.targets
            )
            for one in engine.targets:
                one.index.base()  # opens its file: only what is opened before a tick is heard in it
            yield Running(self, world, CycleJob(engine, deeds))

    async def process(self, *arguments: str) -> Counts:
        """What the program does as a process of its own."""
        before = len(self.registry.requests)
        with ExitStack() as stack:
            variables, log = stack.enter_context(git_counted(self.folder, git_environment()))
            state, index = (
                stack.enter_context(commits_counted(self.folder / "state" / name))
                for name in ("state.db", "index.db")
            )
            program = Program(self.folder, {"PATH": variables["PATH"]}, self._starting())
            done = await asyncio.to_thread(program.process, *arguments)
            assert done.code in (0, 1), done.err
            requests = asked(self.registry.requests[before:])
            return Counts(lines(log), requests, None, state.taken(), index.taken())


@dataclass(frozen=True, slots=True)
class Running:
    """A ticker, and everything it works with."""

    site: Site
    world: Session
    ticker: CycleJob

    async def tick(self) -> Counts:
        """What one tick does; an error is the test's end."""
        engine, requests = self.world.engine, len(self.site.registry.requests)
        before = Commands.started, engine.last.parsed, self.world.ledger.writes
        with commits_counted(self.site.folder / "state" / "index.db") as index:
            read = reads()
            tick = await self.ticker.tick("test")
            read = reads().since(read)
            assert tick.outcome != "error", tick.error
            return Counts(
                Commands.started - before[0],
                asked(self.site.registry.requests[requests:]),
                engine.last.parsed - before[1],
                self.world.ledger.writes - before[2],
                index.taken(),
                read.rows,
                read.steps,
            )

    async def added(self) -> Counts:
        """What a tick does that imports one new model; afterwards it is published."""
        self.site.declare()
        counts = await self.tick()
        await self.ticker.follow()
        return counts


@asynccontextmanager
async def served(folder: Path, models: int) -> AsyncIterator[Site]:
    """A repository and a registry that has its models, while the block runs."""
    settings = EmbeddedSettings(database=folder / "registry.db", publish_seconds=0)
    preload(settings, "project", (as_sent(declared(number).request) for number in (*range(models), FIRST)))
    async with CountedRegistry(settings) as registry:
        yield Site(folder, models, registry, datetime.now(UTC))


async def every_kind(site: Site) -> dict[str, Counts]:
    """Every kind of tick by its name, one after the other."""
    counts: dict[str, Counts] = {}
    async with site.running() as running:
        counts["start, nothing kept"] = await running.tick()
    await _processes(site, counts)
    # the processes before had the clock of the machine: by that, comparing may be due by now, or not
    async with site.running(compare_at_most=0) as running:
        await _changes(site, running, counts)
    async with site.running() as running:
        await _times(site, running, counts)
    async with site.running(judge_all_below=FEW) as running:
        await running.tick()
        counts["added, where few are judged together"] = await running.added()
        counts["nothing moved, where few are judged together"] = await running.tick()
    site.forget_state()
    async with site.running() as running:
        counts["start, index kept"] = await running.tick()
        site.move_all()
        counts["all moved"] = await running.tick()
    return counts


async def _processes(site: Site, counts: dict[str, Counts]) -> None:
    await site.process("apply", "--no-wait")
    counts["apply, nothing moved"] = await site.process("apply", "--no-wait")
    newest = declared(site.models - 1).request
    named = f"{newest['model_name']}@{newest['model_version']}"
    counts["history of a model"] = await site.process("history", named)
    counts["history of a commit"] = await site.process("history", "--commit", "main")
    counts["history of all"] = await site.process("history")
    counts["status at a commit"] = await site.process("status", "--at", "main")
    counts["status at a time"] = await site.process("status", "--at", datetime.now(UTC).isoformat())
    site.declare()
    counts["apply, one added"] = await site.process("apply", "--no-wait")


async def _changes(site: Site, running: Running, counts: dict[str, Counts]) -> None:
    one, other, last = declared(3), declared(4), declared(5)
    elsewhere = f"models.d/elsewhere/{one.path.rpartition('/')[2]}"
    counts["first tick, an import unfinished"] = await running.tick()
    counts["nothing moved"] = await running.tick()
    counts["added"] = await running.added()
    for what, changes in (
        ("comment edited", {one.path: f"# a comment\n{one.text()}"}),
        ("content edited", {one.path: one.text().replace("trained on", "made of")}),
        ("content as it was", {one.path: one.text()}),
        ("renamed", {one.path: None, elsewhere: one.text()}),
        ("broken", {other.path: "model_name: ["}),
        ("nothing moved, one broken", None),
        ("mended", {other.path: other.text()}),
        ("deleted", {last.path: None}),
        ("a file of no concern", {"README": "Models"}),
        ("nothing moved, all of it done", None),
    ):
        if changes is not None:
            site.commit(changes)
        counts[what] = await running.tick()


async def _times(site: Site, running: Running, counts: dict[str, Counts]) -> None:
    await running.tick()
    site.now += timedelta(seconds=40)
    counts["time to compare some"] = await running.tick()
    site.now += timedelta(hours=1)
    counts["time to look at all"] = await running.tick()
