"""Steps of several targets at once; what hangs for long is tested with a loop, in `tests/daemon`."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.engine.concurrency import SlowTargets
from reconciler.errors import StateError


def test_what_all_targets_stand_on_ends_the_steps_of_all() -> None:
    """A state that cannot be used: nothing is left behind, and nothing goes on without it."""
    ended: list[str] = []

    async def lost() -> bool:
        raise StateError("the state is away")

    async def hangs() -> bool:
        try:
            await asyncio.sleep(600)
        finally:
            ended.append("cancelled")
        return True

    async def work() -> None:
        slow_targets = SlowTargets()
        with pytest.raises(StateError):
            await slow_targets.take("judging", {"a": hangs(), "b": lost()})
        assert (ended, "a" in slow_targets) == (["cancelled"], False)

    asyncio.run(work())


def test_a_step_that_ends_with_the_others_is_not_left_behind() -> None:
    """Whether its registry answered or not."""

    async def step(well: bool) -> bool:
        await asyncio.sleep(0)
        return well

    async def work() -> None:
        slow_targets = SlowTargets()
        assert await slow_targets.take("judging", {"a": step(True), "b": step(False)}) == frozenset()
        await slow_targets.aclose()

    asyncio.run(work())
