"""`apply --confirm` while `reconciler run` holds the state."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.embedded import EmbeddedSettings
from reconciler.state import open_state
from tests.daemon.counted import CountedRegistry
from tests.daemon.running import FOLLOW, SELDOM, inside
from tests.daemon.waiting import until

if TYPE_CHECKING:
    from tests.program import Done, Fleet

GUARDED = "[guards]\nmax_imports_per_cycle = 1\n"


async def _program(fleet: Fleet, *arguments: str) -> Done:
    return await asyncio.to_thread(fleet.process, *arguments)


def _guarded(fleet: Fleet, registry: CountedRegistry) -> None:
    fleet.declare("bert@1.0.0", "yolo@1.0.0")
    fleet.configure(SELDOM + FOLLOW + GUARDED + registry.target().replace('"1s"', '"30s"'))


def test_the_digest_that_a_refusal_names_works_while_run_is_up(fleet: Fleet) -> None:
    """The loop imports, and the command waits for the outcome and exits with it."""

    async def work() -> None:
        async with CountedRegistry(EmbeddedSettings(publish_seconds=0.5)) as registry:
            _guarded(fleet, registry)
            async with inside(fleet) as daemon:
                await daemon.tells("tick", refused=3)
                planned = await _program(fleet, "plan", "--output", "json")
                assert (planned.code, planned.json["summary"]["refused"]) == (4, 3)
                message = planned.items["mnist@1.0.0"]["reasons"][0]["message"]
                assert f"reconciler apply --confirm {planned.json['digest']}" in message
                done = await _program(fleet, "apply", "--confirm", planned.json["digest"], "--output", "json")
                assert (done.code, set(done.verdicts.values())) == (0, {"in-sync"})
                assert registry.imports == 3
                assert len(daemon.lines_of("model needs no attention any more", was="refused")) == 3

    asyncio.run(work())


def test_the_digest_of_one_target_goes_through_the_guards_of_that_target_alone(fleet: Fleet) -> None:
    """While the loop works on several."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.declare("bert@1.0.0", "yolo@1.0.0", folder="two")
            fleet.declare("bert@1.0.0")
            targets = registry.target() + registry.target("two", "two")
            fleet.configure(SELDOM + FOLLOW + GUARDED + targets.replace('"1s"', '"30s"'))
            async with inside(fleet) as daemon:
                await daemon.tells("tick", refused=4)
                planned = await _program(fleet, "plan", "--target", "two", "--output", "json")
                asked = ("--target", "two", "--confirm", planned.json["digest"], "--output", "json")
                done = await _program(fleet, "apply", *asked)
                assert (done.code, set(done.verdicts.values())) == (0, {"in-sync"})
                assert registry.imports == 2
                status = await _program(fleet, "status", "--target", "prod", "--output", "json")
                assert set(status.verdicts.values()) == {"refused"}

    asyncio.run(work())


def test_a_plan_that_moved_is_refused_by_the_loop(fleet: Fleet) -> None:
    """Exit code 4, the digest as it is now, and nothing is imported."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            _guarded(fleet, registry)
            async with inside(fleet) as daemon:
                await daemon.tells("tick", refused=3)
                done = await _program(fleet, "apply", "--confirm", "0" * 64)
                assert (done.code, done.out) == (4, "")
                assert "does not match the plan as it is now" in done.err
                assert registry.imports == 0
                assert daemon.lines_of("a request was refused")

    asyncio.run(work())


def test_a_registry_that_is_away_is_told_to_whoever_asked(fleet: Fleet) -> None:
    """Exit code 3, and the loop goes on."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            _guarded(fleet, registry)
            async with inside(fleet) as daemon:
                await daemon.tells("tick", refused=3)
                digest = (await _program(fleet, "status", "--output", "json")).json["digest"]
                async with registry.away():
                    done = await _program(fleet, "apply", "--confirm", digest)
                assert done.code in (3, 4)  # 4: no model of that target was planned, so the plan moved
                assert registry.imports == 0

    asyncio.run(work())


def test_ctrl_c_withdraws_what_nobody_took(fleet: Fleet) -> None:
    """Another command holds the state: nothing is carried out later."""
    fleet("apply")
    with open_state(f"sqlite:///{fleet.folder}/.reconciler/state.db", writer=True) as holder:
        with fleet.spawn("apply", "--confirm", "0" * 64) as process:
            asyncio.run(_asked(holder))
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, "withdrawn: nothing was done" in err) == (130, True)
        assert _requests(holder) == []


def test_ctrl_c_leaves_what_was_taken_to_the_loop_and_says_so(fleet: Fleet) -> None:
    """The answer finds nobody, and that is all."""
    fleet("apply")
    with open_state(f"sqlite:///{fleet.folder}/.reconciler/state.db", writer=True) as holder:
        with fleet.spawn("apply", "--confirm", "0" * 64) as process:
            asyncio.run(_asked(holder))
            (request,) = holder.poll(datetime.now(UTC))[1]
            assert holder.requests.take(request)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert (process.returncode, "goes on with this" in err) == (130, True)


def test_without_confirm_the_state_is_the_loops_alone(fleet: Fleet) -> None:
    """Exit code 3, as before."""
    fleet("apply")
    with open_state(f"sqlite:///{fleet.folder}/.reconciler/state.db", writer=True):
        done = fleet.process("apply", "--refresh")
    assert (done.code, "is being written by" in done.err) == (3, True)


async def _asked(holder: Any) -> None:
    await until(lambda: _requests(holder))


def _requests(holder: Any) -> list[Any]:
    return [json.loads(value) for name, value in holder.marks("").items() if name.startswith("request ")]
