"""A sample of `python -m tests.torture.fleet`, and what the fence is for."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from bench.postgres import programs
from tests.effort import examples
from tests.torture.fleet import Fleet, pgbouncer
from tests.torture.fleet_mutation import copied
from tests.torture.fleet_rounds import possible, rounds, total
from tests.torture.island import is_possible

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed"),
    pytest.mark.timeout(600),  # three replicas start and are waited for, however busy the machine is
]
_POOLED = {"SIGTERM", "sessions terminated", "pooler restarted", "network swallows"}


@pytest.mark.parametrize("pooled", [False, True], ids=["directly", "through a pooler"])
def test_whatever_happens_to_the_leader_another_goes_on_and_nothing_is_registered_twice(
    tmp_path: Path, pooled: bool
) -> None:
    """Each event in one of the two: what is committed around it is registered, once."""
    if pooled and pgbouncer() is None:
        pytest.skip("PgBouncer is not installed")
    with Fleet(tmp_path, pooled=pooled, apart=is_possible()) as fleet:
        events = [name for name in possible(pooled=pooled) if (name in _POOLED) == pooled]
        for _ in rounds(fleet, examples(3) * len(events), seed=1, only=events):
            assert fleet.duplicates() == []
        assert total(fleet).lost == ()


@pytest.mark.parametrize("checks_epoch", [True, False])
def test_a_leader_that_stood_still_before_its_intent_is_fenced_and_without_the_fence_imports_twice(
    tmp_path: Path, checks_epoch: bool
) -> None:
    """It had looked, and stands still until another has imported: the lease is that one's by then."""
    with Fleet(tmp_path, package=copied(tmp_path / "copy", checks_epoch=checks_epoch), size=2) as fleet:
        fleet.until(lambda: fleet.leader() is not None, "led")
        leader = fleet.leader()
        assert leader is not None
        (leader.folder / "hold").touch()
        name = fleet.commit()
        fleet.until((leader.folder / "held").exists, "held")
        leader.send(signal.SIGSTOP)
        fleet.until(lambda: fleet.has(name), "imported by another")
        (leader.folder / "hold").unlink()
        leader.send(signal.SIGCONT)
        if checks_epoch:
            fleet.until(lambda: "is not led by this process any more" in fleet.said(leader), "refused")
        else:
            fleet.until(lambda: fleet.duplicates() == [name], "registered twice")
        assert fleet.duplicates() == ([] if checks_epoch else [name])
