"""A tick that fails is told in one line, loses nothing, and the next one mends it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from reconciler.daemon.loop import Loop
from reconciler.daemon.supervisor import Health, Supervisor
from reconciler.daemon.worker import Stop
from reconciler.engine.clock import Clock
from reconciler.engine.values import Verdict
from tests.daemon.counted import CountedRegistry
from tests.daemon.ticking import ticking
from tests.daemon.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.daemon.cycle_job import CycleJob, Tick
    from tests.program import Fleet


@pytest.fixture
def fleet(fleet: Fleet) -> Fleet:
    """A repository with two models."""
    fleet.declare("yolo@2.0.0")
    return fleet


def test_a_registry_that_is_down_keeps_the_last_good_report_and_is_tried_again(fleet: Fleet) -> None:
    """One error line each tick; the next tick after its return does what was to be done."""

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            await t.ticker.follow()
            good = t.verdicts()
            fleet.declare("resnet@1.0.0")
            async with t.registry.away():
                for _ in range(2):
                    t.logs.clear()
                    tick = await t.tick()
                    assert tick.outcome == "error"
                    [line] = t.lines("error")
                    assert line["event"] == "tick failed"
                    assert line["error"].startswith("target prod: ")
                    assert line["error"] == tick.error
                    assert "\n" not in line["error"]
                    assert t.verdicts() == good
                    report = t.world.ledger.last_report()
                    assert report is not None
                    assert [failure.target for failure in report.failures] == ["prod"]
                    assert t.shown[-1].counted() == report.counted()

            assert (await t.tick()).outcome == "success"
            assert t.registry.imports == 3
            assert (await t.tick()).outcome == "noop"

    asyncio.run(work())


def test_one_target_that_is_down_does_not_stop_the_other(fleet: Fleet) -> None:
    """The other imports, and what is known of this one stays."""

    async def work() -> None:
        fleet.declare("resnet@1.0.0", folder="other.d")
        async with CountedRegistry() as other:  # noqa: SIM117 - the table needs the URL
            async with ticking(fleet, more=other.target("other", "other.d")) as t:
                await t.tick()
                await t.ticker.follow()
                before = t.verdicts()
                assert set(before.values()) == {Verdict.IN_SYNC}
                fleet.declare("bert@1.0.0", "t5@1.0.0", folder="other.d")
                async with t.registry.away():
                    tick = await t.tick()
                await t.ticker.follow()

                assert tick.outcome == "error"
                assert t.verdicts() == before | {
                    "bert@1.0.0": Verdict.IN_SYNC,
                    "t5@1.0.0": Verdict.IN_SYNC,
                }
                assert (t.registry.imports, other.imports) == (2, 3)
                await (
                    t.ticker.engine.slow_targets.all()
                )  # on a busy machine its last step may be under way yet
                assert (await t.tick()).outcome == "success"

    asyncio.run(work())


@pytest.mark.parametrize(
    ("break_it", "mend_it", "complaint"),
    [
        (("branch", "-m", "main", "gone"), ("branch", "-m", "gone", "main"), "no branch 'main'"),
        (
            ("update-ref", "--no-deref", "-d", "refs/heads/main"),
            ("update-ref", "refs/heads/main", "gone"),
            "no branch 'main'",
        ),
    ],
)
def test_a_branch_that_goes_away_keeps_the_last_good_report_until_it_is_back(
    fleet: Fleet, break_it: tuple[str, ...], mend_it: tuple[str, ...], complaint: str
) -> None:
    """Nothing is asked of the registry meanwhile, and nothing is imported twice."""

    async def work() -> None:
        fleet.repository.git("branch", "gone") if mend_it[-1] == "gone" else None
        async with ticking(fleet) as t:
            await t.tick()
            await t.ticker.follow()
            good, before = t.verdicts(), t.done()
            t.logs.clear()
            fleet.repository.git(*break_it)
            assert [(await t.tick()).outcome for _ in range(2)] == ["error", "error"]
            assert [complaint in line["error"] for line in t.lines("error")] == [True, True]
            assert t.verdicts() == good
            assert t.done()[1:] == before[1:]

            fleet.repository.git(*mend_it)
            assert (await t.tick()).outcome == "success"
            assert (await t.tick()).outcome == "noop"
            assert t.registry.imports == 2

    asyncio.run(work())


def test_a_damaged_ref_is_told_each_tick_and_survived(fleet: Fleet) -> None:
    """Half a ref file, as a full disk leaves it."""

    async def work() -> None:
        ref = fleet.folder / ".git" / "refs" / "heads" / "main"
        async with ticking(fleet) as t:
            await t.tick()
            whole = ref.read_bytes()
            for broken in (b"", b"garbage\n", whole[:20], b"0" * 40 + b"\n"):
                ref.write_bytes(broken)
                tick = await t.tick()
                assert tick.outcome == "error"
                assert tick.error is not None
                assert "Traceback" not in tick.error
            ref.write_bytes(whole)
            assert (await t.tick()).outcome == "success"
            assert (await t.tick()).outcome == "noop"
            assert t.registry.imports == 2

    asyncio.run(work())


def test_a_force_push_is_followed_and_imports_nothing_twice(fleet: Fleet) -> None:
    """History that was rewritten, also behind a URL, is the desired state."""

    async def work() -> None:
        first = fleet.repository.git("rev-parse", "HEAD")
        async with ticking(fleet, repo=f"file://{fleet.folder}") as t:
            await t.tick()
            fleet.repository.git("commit", "--amend", "--quiet", "--message=Rewritten")
            assert fleet.repository.git("rev-parse", "HEAD") != first
            tick = await t.tick()
            assert tick.outcome == "success"
            assert tick.report is not None
            assert tick.report.commit == fleet.repository.git("rev-parse", "HEAD")
            assert t.registry.imports == 2

    asyncio.run(work())


def test_a_mistake_of_ours_ends_one_tick_and_not_the_loop(fleet: Fleet) -> None:
    """It is one error line like any other, with a traceback for whoever looks at debug lines."""

    async def work() -> None:
        names = iter(["cycle-1"])
        async with ticking(fleet, clock=Clock(new_id=lambda: next(names))) as t:
            assert (await t.tick()).outcome == "error"
            [line] = t.lines("error")
            assert line["error"].startswith("target prod: unexpected ")
            [unexpected] = [line for line in t.logs if line.get("exc_info")]
            assert (unexpected["log_level"], unexpected["target"]) == ("debug", "prod")
            assert (await t.tick()).outcome == "error"

    asyncio.run(work())


def test_a_mistake_in_what_hears_of_ticks_ends_one_round_and_not_the_loop(fleet: Fleet) -> None:
    """It is an error in the log; the probes hear of no tick, so that a supervisor starts it again."""
    died = []

    def dying(_: Tick) -> None:
        died.append(1)
        raise MemoryError("no room for the result")

    async def work() -> None:
        async with ticking(fleet) as t:
            t.ticker.on_tick = dying
            health, stop = Health(lambda: 3.0, 1.0, clock=lambda: len(died) * 10.0), Stop()

            @asynccontextmanager
            async def opener() -> AsyncIterator[CycleJob]:
                yield t.ticker

            supervisor = Supervisor(opener, health)
            await supervisor.open()
            loop = Loop(supervisor, stop)
            running = asyncio.create_task(loop.run())
            for ticks in (1, 2):
                loop.ask("test")
                await until(lambda count=ticks: len(died) == count)  # type: ignore[misc]
            await until(lambda: [line for line in t.logs if line["event"] == "unexpected"])
            assert health.not_alive() == "a tick has stood still for 10 s"
            stop.request()
            await running

    asyncio.run(work())


def test_without_its_state_the_loop_imports_nothing(fleet: Fleet) -> None:
    """Somebody deleted it: each tick says so, and what was committed since waits for a restart."""

    async def work() -> None:
        async with ticking(fleet) as t:
            await t.tick()
            (fleet.folder / ".reconciler" / "state.db").unlink()
            fleet.declare("resnet@1.0.0")
            for _ in range(2):
                tick = await t.tick()
                assert tick.outcome == "error"
                assert tick.error is not None
                assert "was deleted or replaced while it was open" in tick.error
            assert t.registry.imports == 2

    asyncio.run(work())
