"""No moment that was written down is believed to be further away than the wait that was decided."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.clock import CLOCK_TOLERANCE, due_at
from reconciler.engine.options import CycleOptions
from reconciler.engine.scope import COMPARED, OBSERVED_IN_FULL
from reconciler.engine.values import Verdict
from tests.engine.lax import LaxRegistry
from tests.engine.shelf import LaxShelf
from tests.engine.worlds import Crash, World, text

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.engine.values import Report

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
WAITS = st.timedeltas(timedelta(0), timedelta(days=1))
AHEAD = timedelta(days=3)


@given(told_at=MOMENTS, wait=WAITS, now=MOMENTS)
def test_what_is_left_of_a_wait_is_never_more_than_the_wait(
    told_at: datetime, wait: timedelta, now: datetime
) -> None:
    """Whatever either clock says; and a clock that is right changes nothing."""
    due = due_at(told_at + wait, told_at, now)
    assert due - now <= wait + CLOCK_TOLERANCE
    if told_at <= now:
        assert due == told_at + wait


@pytest.fixture(params=[LaxRegistry, LaxShelf])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """A world with two models, in which every cycle judges what may have changed."""
    made = World(tmp_path, registry=request.param(lag=0.0), judge_all_below=0)
    made.source.commit({"models.d/a.yaml": text("a"), "models.d/b.yaml": text("b")})
    return made


def _apply(world: World) -> Report:
    return asyncio.run(world.apply(wait=False, whole=False))


@pytest.mark.parametrize("fault", ["busy", "gone", "odd"])
def test_an_import_that_waits_by_a_clock_that_was_ahead_is_made_when_the_clock_is_right(
    world: World, fault: str
) -> None:
    """Within the time that an attempt waits at the longest."""
    world.now += AHEAD
    world.registry.faults = [fault]
    _apply(world)
    world.now -= AHEAD
    for _ in range(3):
        _apply(world)
        world.wait(36)
    assert {item.verdict for item in asyncio.run(world.apply()).items} == {Verdict.IN_SYNC}
    assert world.registry.most_of_a_pair == 1


@pytest.mark.parametrize("ahead", [timedelta(seconds=50), timedelta(hours=1)])
@pytest.mark.parametrize("fault", ["late", "late crash"])
def test_an_import_that_another_process_sent_is_waited_for_by_the_clock_of_this_one(
    world: World, fault: str, ahead: timedelta
) -> None:
    """Its call is carried out yet, and the next process has a clock that is ahead; jobs end the wait too."""
    registry = _sent(world, fault)
    world.now += ahead
    _assert_waited_for(world, registry)


@pytest.mark.parametrize("fault", ["late", "late crash"])
def test_an_import_is_waited_for_as_long_as_the_process_that_sent_it_would_have_waited(
    world: World, fault: str
) -> None:
    """A replica, or the next start, has a shorter timeout in its configuration: that call has its own."""
    registry = _sent(world, fault)
    world.call_timeout = 1.0
    _assert_waited_for(world, registry)


def _sent(world: World, fault: str) -> LaxRegistry:
    """An import by a process that ended, with a call that is carried out yet."""
    assert isinstance(world.registry, LaxRegistry)
    world.registry = registry = type(world.registry)(world=world, unique=False, faults=[fault])
    with suppress(Crash):
        _apply(world)
    return registry


def _assert_waited_for(world: World, registry: LaxRegistry) -> None:
    for _ in range(6):
        _apply(world)
        world.wait(9)
    assert {item.verdict for item in asyncio.run(world.apply()).items} == {Verdict.IN_SYNC}
    assert (len(registry.rows()), registry.reposted) == (2, [])


def test_what_a_process_sent_itself_is_waited_for_once(world: World) -> None:
    """It ends when the call cannot be carried out any more, and no later."""
    world.registry.faults = ["gone"]
    with world.process() as engine:
        asyncio.run(engine.cycle(CycleOptions(wait=False, whole=False)))
        world.wait(35)
        report = asyncio.run(engine.cycle(CycleOptions(wait=False, whole=False)))
    assert Verdict.WAITING not in {item.verdict for item in report.items}
    assert len(world.registry.calls) == 3


def test_a_look_at_everything_is_due_when_the_last_one_lies_ahead(world: World) -> None:
    """So is comparing more models; and the moment at which there is something to do is not days away."""
    world.now += AHEAD
    _apply(world)
    world.now -= AHEAD
    with world.process() as engine:
        (target,) = engine.targets
        for mark in (OBSERVED_IN_FULL, COMPARED):
            engine.ledger.mark(target.name, mark, (world.now + AHEAD).isoformat())
        assert engine._due_times(engine.last.began).full_look_is_due(target)
        assert engine._due_times(engine.last.began).comparing_is_due(target)
        due = engine.due()
        assert due is not None
        assert due <= world.now
        asyncio.run(engine.cycle(CycleOptions(whole=False)))
        assert not engine._due_times(engine.last.began).full_look_is_due(target)
