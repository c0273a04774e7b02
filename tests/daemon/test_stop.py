"""`reconciler run` ends when it is asked to: in order, in time, and with nothing forgotten."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from tests.daemon.counted import CountedRegistry
from tests.daemon.running import FOLLOW, SELDOM, events, inside, spawned
from tests.daemon.waiting import until

if TYPE_CHECKING:
    from tests.program import Fleet


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_call_in_flight_finish_records_it_and_exits_0(
    fleet: Fleet, number: signal.Signals
) -> None:
    """A registry that takes its time to answer: the model is recorded, nothing else is started."""

    async def work() -> None:
        fleet.declare("a@1.0.0", "b@1.0.0", "c@1.0.0")
        async with CountedRegistry() as registry:
            slow = registry.target().replace("1s", "30s") + "in_flight = 1\n"
            fleet.configure(SELDOM + FOLLOW + slow)
            registry.gate.clear()
            async with spawned(fleet) as daemon:
                await until(lambda: registry.imports)
                daemon.send(number)
                await daemon.tells("stopping after the call in flight")
                await asyncio.sleep(0.2)
                registry.gate.set()
                assert await daemon.exit_code() == 0
                assert daemon.lines_of("stopped")
        assert registry.imports == 1
        assert [e["event"] for e in events(fleet)] == ["import-requested", "imported"]

    asyncio.run(work())


def test_a_call_that_outlasts_the_grace_is_left_to_the_next_start(fleet: Fleet) -> None:
    """In time; the next start finds what became of it and imports nothing twice."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            grace = SELDOM.replace('"5s"', '"300ms"')
            fleet.configure(grace + FOLLOW + registry.target().replace("1s", "600s"))
            registry.lose_answers = True
            async with spawned(fleet) as daemon:
                await until(lambda: registry.imports)
                daemon.send(signal.SIGTERM)
                # long before the call ends; 3: a second was too short to close everything
                assert await daemon.exit_code() in (0, 3)
                assert daemon.lines_of("stopped in the middle of a call; the next start settles it")
            assert [e["event"] for e in events(fleet)] == ["import-requested"]

            registry.lose_answers = False
            async with inside(fleet) as daemon:
                await daemon.tells("tick", did_adopted=1)
            assert registry.imports == 1

    asyncio.run(work())


def test_a_git_host_that_never_answers_does_not_hold_up_the_end(fleet: Fleet) -> None:
    """`ls-remote` hangs: the process ends after its grace, and long before git's own timeout."""

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    held: list[asyncio.StreamWriter] = []

    async def work() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, CountedRegistry() as registry:
            source = f'[source]\nrepo = "http://127.0.0.1:{port}/fleet.git"\ntimeout = "600s"\n'
            fleet.configure(SELDOM.replace('"5s"', '"200ms"') + source + registry.target())
            async with spawned(fleet) as daemon:
                await until(lambda: held)
                daemon.send(signal.SIGTERM)
                assert await daemon.exit_code() in (0, 3)  # 3: a second was too short to close everything
            for writer in held:
                writer.close()

    asyncio.run(work())


def test_apply_has_the_same_grace_whatever_a_call_may_take(fleet: Fleet) -> None:
    """It ends with the signal's number; what was cut off is settled by the next start, and made once."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            grace = SELDOM.replace('"5s"', '"300ms"')
            fleet.configure(grace + FOLLOW + registry.target().replace("1s", "600s"))
            registry.lose_answers = True
            with fleet.spawn("apply") as process:
                await until(lambda: registry.imports)
                process.send_signal(signal.SIGTERM)
                _, log = await asyncio.to_thread(process.communicate, timeout=40)
                assert process.returncode == 128 + signal.SIGTERM
                assert "in the middle of a call" in log
            assert [e["event"] for e in events(fleet)] == ["import-requested"]

            registry.lose_answers = False
            done = await asyncio.to_thread(fleet.process, "apply")
            assert done.code == 0
            assert registry.imports == 1

    asyncio.run(work())
