"""Waiting for the process that holds the state, by a clock of its own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.acting import Acting, _answer
from reconciler.cli.report import Progress
from reconciler.engine.clock import Clock
from reconciler.errors import StateLockedError
from reconciler.settings import load
from reconciler.state import open_for_release, open_state

if TYPE_CHECKING:
    from tests.program import Fleet


def test_a_holder_that_takes_no_requests_is_told_and_the_request_is_withdrawn(fleet: Fleet) -> None:
    """A minute beyond the schedule's own time; nothing is carried out afterwards."""
    settings = load(None, cwd=fleet.folder)
    acting = Acting(settings, None, Progress(quiet=True))
    now = [datetime.now(UTC)]

    async def sleep(_: float) -> None:
        now[0] += timedelta(seconds=10)

    clock = Clock(now=lambda: now[0], sleep=sleep)
    fleet("apply")
    with (
        open_state(settings.state_url, writer=True) as holder,
        open_for_release(settings.state_url) as beside,
    ):
        begun = now[0]
        with pytest.raises(StateLockedError, match="did not take this on in 90 s"):
            asyncio.run(_answer(acting, beside, None, None, clock))
        assert now[0] - begun == timedelta(seconds=90)
        assert holder.poll(begun)[1] == []
