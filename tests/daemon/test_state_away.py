"""The state goes away under the running loop: it lets go, says so, and goes on with what comes back."""

from __future__ import annotations

import asyncio
import resource
import shutil
import signal
import time
from typing import TYPE_CHECKING

from reconciler.state import open_state
from tests.daemon.counted import CountedRegistry
from tests.daemon.running import FOLLOW, SELDOM, events, inside, spawned
from tests.daemon.waiting import until

if TYPE_CHECKING:
    from tests.program import Fleet

OFTEN = '[schedule]\nevery = "1s"\ngrace = "5s"\n[web]\nlisten = "127.0.0.1:0"\n'
SETTLE = FOLLOW + 'settle = "100ms"\n'


def test_a_state_that_was_deleted_is_said_loudly_and_imports_nothing_a_second_time(fleet: Fleet) -> None:
    """In the log, on the page, in a metric and in every report; what is registered is adopted."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(OFTEN + SETTLE + registry.target())
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                shutil.rmtree(fleet.folder / ".reconciler")
                lost = await daemon.tells("state lost: no import starts without it")
                assert "was deleted or replaced while it was open" in lost["error"]
                replaced = await daemon.tells("state replaced")
                assert replaced["log_level"] == "error"
                await daemon.tells("tick", did_adopted=1)
                await daemon.tells("state is back")

                fleet.declare("yolo@1.0.0")
                await until(lambda: registry.imports == 2)
                page = (await daemon.get("/")).text
                assert '<p class="notice">the state was replaced while in use' in page
                assert "What is shown may be old" not in page
                metrics = (await daemon.get("/metrics")).text
                assert "reconciler_state_replaced_total 1.0" in metrics
                assert "reconciler_state_up 1.0" in metrics
                assert (await daemon.get("/readyz")).status_code == 200
            assert registry.imports == 2
            assert "adopted" in {event["event"] for event in events(fleet)}

    asyncio.run(work())


def test_a_state_that_opens_and_takes_nothing_is_tried_again_when_it_was_said(fleet: Fleet) -> None:
    """As on a full disk. Each attempt makes files of the state anew, which are watched."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(SELDOM + FOLLOW + registry.target())
            async with spawned(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                kept = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (32768, kept[1]))
                began = time.monotonic()
                fleet.declare("yolo@1.0.0")
                await until(lambda: len(daemon.lines_of("state lost: no import starts without it")) >= 4)
                passed = time.monotonic() - began
                lost = daemon.lines_of("state lost: no import starts without it")
                assert passed > sum(line["next_attempt_in"] for line in lost[:3]) - 0.2  # each is rounded
                resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, kept)
                await until(lambda: registry.imports == 2)

    asyncio.run(work())


def test_a_lock_that_another_process_took_meanwhile_is_waited_for(fleet: Fleet) -> None:
    """It says who has it, starts no import, and goes on when it is free again."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(OFTEN + SETTLE + registry.target())
            async with inside(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                state = fleet.folder / ".reconciler" / "state.db"
                state.with_name("state.db.lock").unlink()
                with open_state(f"sqlite:///{state}", writer=True):
                    waiting = await daemon.tells("another process holds the state; waiting for it")
                    assert f"is being written by process {daemon.pid}" in waiting["error"]
                    answer = await daemon.get("/readyz")
                    assert answer.status_code == 503
                    assert answer.text.startswith("the state is away: the state is being written by process")
                    assert (await daemon.get("/healthz")).status_code == 200
                    assert "What is shown may be old. the state is away" in (await daemon.get("/")).text
                    assert "reconciler_state_up 0.0" in (await daemon.get("/metrics")).text
                    fleet.declare("yolo@1.0.0")
                    await daemon.tells("another process holds the state; waiting for it", why=None)
                    assert registry.imports == 1
                await daemon.tells("state is back")
                await until(lambda: registry.imports == 2)
                assert not daemon.lines_of("state replaced")

    asyncio.run(work())


def test_credentials_that_were_refused_are_not_tried_again_by_the_next_session(fleet: Fleet) -> None:
    """The vendor locks a key after five failures, however often the state is lost."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            refused = registry.target() + 'auth = { method = "token", token = "canary" }\n'
            fleet.configure(OFTEN + SETTLE + refused)
            async with inside(fleet) as daemon:
                await daemon.tells("tick")
                lock = fleet.folder / ".reconciler" / "state.db.lock"
                for times in (1, 2, 3):
                    lock.unlink()
                    await until(lambda count=times: len(daemon.lines_of("state is back")) == count)  # type: ignore[misc]
            assert registry.imports <= 1

    asyncio.run(work())


def test_without_a_file_descriptor_left_it_goes_on_once_there_are_some(fleet: Fleet) -> None:
    """Nothing can be opened or started meanwhile; each tick says so."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(OFTEN + SETTLE + registry.target())
            async with spawned(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                kept = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
                resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (8, kept[1]))
                fleet.declare("yolo@1.0.0")
                await daemon.tells("tick failed")
                resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, kept)
                await until(lambda: registry.imports == 2)
                daemon.send(signal.SIGTERM)
                assert await daemon.exit_code() == 0

    asyncio.run(work())


def test_a_full_disk_starts_no_import_until_there_is_room(fleet: Fleet) -> None:
    """The intent cannot be written: the state is let go and opened again, as often as it takes."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            fleet.configure(OFTEN + SETTLE + registry.target())
            async with spawned(fleet) as daemon:
                await daemon.tells("import status updated", left=0)
                kept = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (4096, kept[1]))
                fleet.declare("yolo@1.0.0")
                await daemon.tells("state lost: no import starts without it")
                await until(
                    lambda: (
                        daemon.lines_of("state still away")
                        or len(daemon.lines_of("state lost: no import starts without it")) > 1
                    )
                )
                assert registry.imports == 1
                resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, kept)
                await until(lambda: registry.imports == 2)
                await daemon.tells("state is back")
                daemon.send(signal.SIGTERM)
                assert await daemon.exit_code() == 0

    asyncio.run(work())
