"""How much of the processor visitors get who ask without a pause: counted on a clock of the test's own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reconciler.web.rendered import Pace

if TYPE_CHECKING:
    from collections.abc import Coroutine

_MINUTE = 60.0
_BURST = 0.5


@dataclass
class Machine:
    """A clock, and the processor time of a thread that moves it on."""

    now: float = 0.0
    spent: float = 0.0
    slept: int = 0

    def work(self, seconds: float) -> None:
        """The thread works for so long."""
        self.now += seconds
        self.spent += seconds

    async def sleep(self, seconds: float) -> None:
        """Time goes by; whoever else may go on does."""
        self.slept += 1
        self.now += seconds
        await asyncio.sleep(0)

    def pace(self) -> Pace:
        """A pace on this machine."""
        return Pace(lambda: self.now, lambda: self.spent, self.sleep)


def _run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(work)


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.4])
@pytest.mark.parametrize("is_charged", [False, True])
def test_two_who_ask_without_a_pause_get_a_tenth_of_the_processor(
    *, seconds: float, is_charged: bool
) -> None:
    """Whatever an answer costs, and whichever thread makes it."""
    machine, taken = Machine(), [0.0]

    async def client(pace: Pace) -> None:
        while machine.now < _MINUTE:
            await pace.turn()
            if is_charged:
                machine.now += seconds
                pace.charge(seconds)
            else:
                machine.work(seconds)
            taken[0] += seconds

    async def clients() -> None:
        pace = machine.pace()
        await asyncio.gather(client(pace), client(pace))

    _run(clients())
    share = (taken[0] - _BURST - 2 * seconds) / machine.now
    assert 0.08 < share < 0.11


def test_who_comes_after_a_pause_does_not_wait() -> None:
    """A hundred visitors at once, each of a few milliseconds, and again a while later."""
    machine = Machine()

    async def visits() -> None:
        pace = machine.pace()
        for _ in range(3):
            for _ in range(100):
                await pace.turn()
                machine.work(0.004)
            machine.now += 10

    _run(visits())
    assert machine.slept == 0


def test_nobody_waits_long_for_what_others_took() -> None:
    """Five seconds at most, however much was taken before."""
    machine = Machine()

    async def visits() -> None:
        pace = machine.pace()
        pace.charge(1000)
        await pace.turn()

    _run(visits())
    assert machine.slept == 1
    assert machine.now == pytest.approx(5, rel=0.01)
