"""A tick does what has to be done, and no more."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.contract.model_key import ModelKey
from reconciler.embedded import EmbeddedSettings
from reconciler.engine.clock import Clock
from reconciler.engine.values import Event, EventKind, Verdict
from reconciler.state import open_for_release
from tests.daemon.counted import CountedRegistry
from tests.daemon.ticking import ticking
from tests.daemon.waiting import until
from tests.program import manifest

if TYPE_CHECKING:
    from tests.program import Fleet


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    """A repository with two models."""
    fleet.declare("yolo@2.0.0")
    return fleet


def test_a_tick_with_nothing_to_do_does_nothing(fleet: Fleet) -> None:
    """No subprocess, no request, no write; one line, for debugging only."""

    async def work() -> None:
        async with ticking(fleet) as t:
            assert (await t.tick()).outcome == "success"
            await t.ticker.follow()
            assert t.ticker.unfinished == 0
            before = t.done()
            t.logs.clear()

            for _ in range(5):
                assert (await t.tick()).outcome == "noop"
                await t.ticker.follow()

            assert t.done() == before
            assert [line["event"] for line in t.lines("debug")] == ["tick: nothing to do"] * 5
            assert t.logs == []

    asyncio.run(work())


def test_a_remote_that_did_not_move_costs_one_ls_remote(fleet: Fleet) -> None:
    """And no request and no write; a push to it is found by the same command."""

    async def work() -> None:
        async with ticking(fleet, repo=f"file://{fleet.folder}") as t:
            assert (await t.tick()).outcome == "success"
            await t.ticker.follow()
            commands, requests, writes = t.done()

            assert [(await t.tick()).outcome for _ in range(3)] == ["noop"] * 3
            assert t.done() == (commands + 3, requests, writes)
            assert t.world.source.watch_paths() == ()

            fleet.declare("resnet@1.0.0")
            assert (await t.tick()).outcome == "success"
            assert t.registry.imports == 3

    asyncio.run(work())


def test_one_line_a_tick_says_what_was_seen_and_done(fleet: Fleet) -> None:
    """Commit, verdicts, deeds, cause and time; and a line when an import becomes final."""

    async def work() -> None:
        async with ticking(fleet) as t:
            commit = fleet.commit({"models.d/bad.yaml": "model_name: [", "models.d/_note.yaml": "x"})
            await t.tick()
            [line] = t.lines("info")
            assert line.pop("seconds") >= 0
            assert line == {
                "event": "tick",
                "log_level": "info",
                "why": "test",
                "commit": commit[:12],
                "publishing": 2,
                "invalid": 1,
                "did_import_requested": 2,
                "did_imported": 2,
            }
            json.dumps(line)

            await t.ticker.follow()
            assert t.lines("info") == [
                {"event": "import status updated", "log_level": "info", "left": 0, "did_published": 2}
            ]
            assert t.verdicts()["mnist@1.0.0"] is Verdict.IN_SYNC
            report = t.world.ledger.last_report()
            assert report is not None
            assert t.shown[-1].counted() == report.counted()

    asyncio.run(work())


def test_unfinished_imports_are_asked_about_and_finished_ones_are_not(fleet: Fleet) -> None:
    """Asking costs one request a model; without any, none."""

    async def work() -> None:
        clock = [0.0]
        settings = EmbeddedSettings(publish_seconds=60, clock=lambda: clock[0])
        async with ticking(fleet, CountedRegistry(settings)) as t:
            await t.tick()
            assert t.ticker.unfinished == 2
            before = t.done()
            await t.ticker.follow()
            assert t.done() == (before[0], before[1] + 2, before[2])

            clock[0] = 120.0
            await t.ticker.follow()
            assert t.ticker.unfinished == 0
            assert set(t.verdicts().values()) == {Verdict.IN_SYNC}
            before = t.done()
            await t.ticker.follow()
            assert (await t.tick()).outcome == "noop"
            assert t.done() == before

    asyncio.run(work())


def test_a_release_by_another_process_is_found_at_the_next_tick(fleet: Fleet) -> None:
    """Although git did not move; and what this process journals itself is no news to it."""

    async def work() -> None:
        fleet.commit(
            {"models.d/bad.yaml": manifest("bad@1.0.0", source_location="https://x.obs.example.com/q")}
        )
        settings = EmbeddedSettings(publish_seconds=0, quota=2)
        async with ticking(fleet, CountedRegistry(settings)) as t:
            await t.tick()
            [held] = [title for title, verdict in t.verdicts().items() if verdict is not Verdict.PUBLISHING]
            await t.ticker.follow()
            assert (await t.tick()).outcome == "noop"
            before = t.registry.imports

            name, _, version = held.partition("@")
            entry = next(e for e in t.world.ledger.entries("prod").values() if e.pair == (name, version))
            with closing(open_for_release(t.world.configuration.state_url)) as beside:
                event = Event(t.world.engine.clock.now(), EventKind.RELEASED, "prod", entry.pair, "c")
                beside.append([event])

            assert (await t.tick()).outcome == "success"
            assert t.registry.imports == before + 1
            assert (await t.tick()).outcome == "noop"

    asyncio.run(work())


def test_what_another_process_journals_during_a_cycle_is_not_overlooked(fleet: Fleet) -> None:
    """The cycle may have looked before it: there is another one."""

    async def work() -> None:
        async with ticking(fleet) as t:
            t.registry.gate.clear()
            running = asyncio.create_task(t.tick())
            await until(lambda: t.registry.imports)
            pair = ModelKey("other", "1.0.0")
            with closing(open_for_release(t.world.configuration.state_url)) as beside:
                beside.append([Event(t.world.engine.clock.now(), EventKind.DELETED, "prod", pair, "c")])
            t.registry.gate.set()
            await running

            assert (await t.tick()).outcome == "success"
            assert (await t.tick()).outcome == "noop"
            assert t.registry.imports == 2

    asyncio.run(work())


def test_a_release_that_nothing_declares_does_not_keep_the_loop_busy(fleet: Fleet) -> None:
    """It is looked at once, and then left alone."""

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            await t.ticker.follow()
            fleet.commit({"models.d/yolo-2.0.0.yaml": None})
            await t.tick()
            with closing(open_for_release(t.world.configuration.state_url)) as beside:
                pair = next(p for p in t.world.ledger.entries("prod") if p.model_name == "yolo")
                beside.append([Event(t.world.engine.clock.now(), EventKind.RELEASED, "prod", pair, "c")])
            outcomes = [(await t.tick()).outcome for _ in range(5)]
            assert outcomes[0] == "success"
            assert outcomes[2:] == ["noop"] * 3

    asyncio.run(work())


def test_a_full_comparison_is_due_after_its_interval(fleet: Fleet) -> None:
    """By the clock alone: git stands still."""

    async def work() -> None:
        ahead = Ahead()
        async with ticking(fleet, clock=Clock(now=ahead)) as t:
            await t.tick()
            await t.ticker.follow()
            assert (await t.tick()).outcome == "noop"
            ahead.seconds = 3601.0
            assert (await t.tick()).outcome == "success"
            assert (await t.tick()).outcome == "noop"

    asyncio.run(work())


@dataclass
class Ahead:
    """A wall clock that is ahead of the real one."""

    seconds: float = 0.0

    def __call__(self) -> Any:
        """The time there."""
        return Clock().later(self.seconds)
