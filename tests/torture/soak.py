"""Hours in minutes: the real loop's ticks in one process, with faults on, and what they leave behind.

`python -m tests.torture.soak --ticks 5000` makes random commits in a real repository and lets one engine, its
ticker, its client and its state reconcile them with the embedded registry over sockets, which misbehaves.
Only the clock is not real: a tick comes half a minute after the one before. Memory, descriptors, threads,
child processes and the state's size are sampled; it fails unless they are flat once warm.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import linear_regression
from typing import TYPE_CHECKING

import structlog

from reconciler import log
from reconciler.contract import edition
from reconciler.daemon.cycle_job import CycleJob, EventCounter
from reconciler.embedded import EmbeddedSettings, Faults, running
from reconciler.engine.clock import Clock
from reconciler.engine.cycle import Engine
from reconciler.engine.guards import Guards
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.retry import blockers, retry
from reconciler.engine.target import Target
from reconciler.engine.values import Event, Verdict
from reconciler.errors import RegistryError
from reconciler.index import Store
from reconciler.registry import Limits, ModelArtsRegistry, RegistryAuth
from reconciler.source import open_source
from reconciler.state import open_state
from reconciler.views.metrics import Metrics
from tests.torture.desk import Desk
from tests.views.samples import overview_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from reconciler.daemon.cycle_job import Tick
    from reconciler.engine.values import Report

SCRIPT = {
    "seed": 1,
    "visible_after": 2.0,
    "rules": [
        {"action": "drop", "method": "POST", "moment": "after", "probability": 0.05},
        {"action": "drop", "method": "POST", "moment": "before", "probability": 0.03},
        {"action": "drop", "method": "GET", "probability": 0.01},
        {"action": "reply", "method": "POST", "status": 504, "probability": 0.03},
        {"action": "reply", "status": 429, "moment": "before", "retry_after": "7", "probability": 0.01},
        {"action": "reply", "status": 503, "moment": "before", "probability": 0.01},
        {"action": "slow", "part": "body", "seconds": 0.01, "probability": 0.01},
        {"action": "spoil", "how": "cut", "probability": 0.01},
        {"action": "spoil", "how": "truncated", "probability": 0.01},
        {"action": "spoil", "how": "html", "probability": 0.01},
        {"action": "meddle", "how": "delete", "most": 2, "method": "GET", "probability": 0.01},
        {"action": "meddle", "how": "change", "most": 1, "method": "GET", "probability": 0.005},
    ],
}
"""What goes wrong at the registry, all the time."""

EVERY = 30.0  # seconds of the clock between two ticks
SAMPLES = 25  # taken in a run
WARM = 0.3  # the part of a run that does not count
MEMORY = 3 * 1024  # KiB a thousand ticks that are still called flat
MEMORY_NOISE = 12 * 1024  # KiB that an allocator may keep back, however long the run is
DESCRIPTORS = 24  # connections come and go at both ends, eight at most
STATE_PER_EVENT = 2048  # bytes; a journal grows with what happens, and with nothing else


@dataclass(frozen=True)
class Sample:
    """What this process holds at one moment; memory in KiB, the state in bytes."""

    tick: int
    memory: int
    descriptors: int
    threads: int
    children: int
    state: int
    events: int


@dataclass
class Time:
    """A clock for the program and the registry; waiting for it costs nothing."""

    seconds: float = datetime(2026, 11, 23, tzinfo=UTC).timestamp()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)


def _children() -> frozenset[str]:
    """The process ids of this process's children."""
    lists = (task / "children" for task in Path("/proc/self/task").iterdir())
    return frozenset(child for file in lists for child in file.read_text().split())


@dataclass
class Soak:
    """One run.

    Attributes:
        outcomes: how many ticks ended how.
        deeds: how often each kind of event was journalled.
        strangers: children that this process had before, by process id.
    """

    folder: Path
    ticks: int
    seed: int = 1
    samples: list[Sample] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    strangers: frozenset[str] = field(default_factory=_children)

    async def run(self) -> None:
        """All ticks."""
        dice, desk, clock = Random(self.seed), Desk(self.folder / "repo"), Time()
        desk.work(dice)
        started = time.monotonic()
        async with self._opened(desk, clock) as ticker:
            for number in range(1, self.ticks + 1):
                if dice.random() < 0.5:
                    desk.work(dice)
                tick = await ticker.tick("soak")
                self.outcomes[tick.outcome] += 1
                await ticker.follow()
                report = ticker.engine.ledger.last_report(whole=False)
                if report is not None and dice.random() < 0.3:
                    await self._retry(dice, ticker.engine, report)
                clock.seconds += EVERY
                if number % max(1, self.ticks // SAMPLES) == 0:
                    self.samples.append(self._sample(number, ticker.engine.ledger.position()))
        self.seconds = time.monotonic() - started

    @contextlib.asynccontextmanager
    async def _opened(self, desk: Desk, clock: Time) -> AsyncIterator[CycleJob]:
        settings = EmbeddedSettings(
            database=self.folder / "registry.db",
            publish_seconds=1.0,
            fail_pattern="m1",
            clock=lambda: clock.seconds,
            faults=Faults.model_validate(SCRIPT),
        )
        with (
            running(settings) as url,
            open_source(str(desk.path), branch=None, cache_dir=self.folder, base=self.folder) as source,
            open_state(f"sqlite:///{self.folder / 'state.db'}", writer=True) as ledger,
            contextlib.closing(Store(self.folder / "index.db", writes=True)) as index,
        ):
            registry = ModelArtsRegistry(
                url,
                "soak",
                auth=RegistryAuth(),
                limits=Limits(rate=1e6, burst=1000, deadline=10.0, page_size=20),
                sleep=clock.sleep,
            )
            parser = ManifestParser(edition("seed-2019"), "models.d")
            files, commits = index.of("soak", "rules"), index.history_of("soak")
            target = Target("soak", registry, parser, files, commits, judge_all_below=0)
            guards = Guards(1000, 1_000_000, allow_empty=True, allow_rewritten_history=True)
            page, deeds = _Page(clock), EventCounter()

            def record_event(event: Event) -> None:
                deeds(event)
                self.deeds[event.kind] += 1
                page.metrics.observe_events([event])

            engine = Engine(source, ledger, (target,), guards, Clock(clock.now, clock.sleep), record_event)
            try:
                yield CycleJob(engine, deeds, page.record_tick, page.shown)
            finally:
                engine.git.close()
                await registry.aclose()

    async def _retry(self, dice: Random, engine: Engine, report: Report) -> None:
        """A person releases one model that is held."""
        waiting = [i.pair for i in report.items if i.pair and i.verdict in (Verdict.MISSING, Verdict.FAILED)]
        if not waiting:
            return
        try:
            blocking = await blockers(engine.targets[0], dice.choice(waiting), engine.ledger)
            if blocking is not None and not blocking.live_models:
                await retry(blocking, engine.ledger, engine.clock, engine.progress)
        except RegistryError:
            self.outcomes["retry refused"] += 1

    def _sample(self, tick: int, events: int) -> Sample:
        gc.collect()
        memory = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        tasks = list(Path("/proc/self/task").iterdir())
        children = len(_children() - self.strangers)
        state = sum(file.stat().st_size for file in self.folder.glob("state.db*"))
        return Sample(
            tick, memory, len(list(Path("/proc/self/fd").iterdir())), len(tasks), children, state, events
        )


@dataclass
class _Page:
    """What a browser and a monitoring system ask for, now and then."""

    clock: Time
    metrics: Metrics = field(default_factory=lambda: Metrics("soak"))
    report: Report | None = None

    def record_tick(self, tick: Tick) -> None:
        self.metrics.observe_tick(tick.outcome, tick.seconds, tick.at)
        self.metrics.render()

    def shown(self, report: Report) -> None:
        self.report = report
        self.metrics.observe_report(report)
        overview_of(report, self.clock.now())


def faults_found(samples: Sequence[Sample]) -> list[str]:
    """What is not flat, in words; nothing when all is well."""
    warm = [sample for sample in samples if sample.tick > samples[-1].tick * WARM]
    first, last = warm[0], warm[-1]
    span = last.tick - first.tick
    growth = linear_regression([s.tick for s in warm], [s.memory for s in warm]).slope * span
    faults = []
    if growth > MEMORY_NOISE + MEMORY * span / 1000:
        faults.append(f"memory grew by {growth:.0f} KiB in {span} ticks")
    for name in ("descriptors", "threads"):
        numbers = [getattr(sample, name) for sample in warm]
        if max(numbers) - min(numbers) > DESCRIPTORS:
            faults.append(f"{name} went from {numbers[0]} to {numbers[-1]}, at most {max(numbers)}")
    if any(sample.children for sample in warm):
        faults.append(f"child processes were left: {max(sample.children for sample in warm)}")
    if last.state - first.state > MEMORY * 1024 + STATE_PER_EVENT * (last.events - first.events):
        faults.append(
            f"the state grew by {last.state - first.state} bytes for {last.events - first.events} events"
        )
    return faults


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """No log while the block runs."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        log.silence()


def soak(ticks: int, seed: int = 1) -> Soak:
    """One run in a folder of its own."""
    memory = Path("/dev/shm")  # noqa: S108 - where syncing a file costs nothing
    place = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="soak-", dir=place) as folder, silence():
        run = Soak(Path(folder), ticks, seed)
        asyncio.run(run.run())
    return run


def main() -> int:
    """The program; its exit code is 1 when something is not flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.soak", description=__doc__)
    parser.add_argument("--ticks", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    run = soak(arguments.ticks, arguments.seed)
    rows = [
        "| tick | memory | descriptors | threads | children | state | events |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    shown = run.samples[:: max(1, len(run.samples) // 12)]
    rows += [
        f"| {s.tick} | {s.memory / 1024:.1f} MiB | {s.descriptors} | {s.threads} | {s.children} | "
        f"{s.state / 1024:.0f} KiB | {s.events} |"
        for s in shown
    ]
    faults = faults_found(run.samples)
    took = f"{run.ticks} ticks in {run.seconds / 60:.1f} minutes"
    rows += ["", f"{took}: {_counted(run.outcomes)}.", "", f"Events: {_counted(run.deeds)}."]
    sys.stdout.write("\n".join([*rows, *(f"NOT FLAT: {one}" for one in faults), ""]))
    return min(len(faults), 1)


def _counted(numbers: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.most_common())


if __name__ == "__main__":
    sys.exit(main())
