"""Commands beside replicas that lead, and what a standby says of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.app.board import Board
from reconciler.daemon.health import Health
from reconciler.engine.leadership import Lease, Survey
from tests.program import Program, manifest
from tests.torture.fleet import Fleet
from tests.torture.site import postgres_programs

if TYPE_CHECKING:
    from pathlib import Path

_NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
_ONE_AT_A_TIME = "[guards]\nmax_imports_per_cycle = 1\n"


@pytest.mark.skipif(postgres_programs() is None, reason="PostgreSQL is not installed")
def test_commands_work_beside_leaders_by_handing_over_and_by_lease_once_they_died(tmp_path: Path) -> None:
    """`apply` names who leads, --confirm is carried out by the leader; a dead leader is waited for."""
    with Fleet(tmp_path, more=_ONE_AT_A_TIME) as fleet:
        program = Program(fleet.replicas[0].folder)
        refused = program.process("apply")
        assert refused.code == 3
        assert "the state is being written by process" in refused.err

        fleet.repository.commit({f"models.d/{name}.yaml": manifest(f"{name}@1.0.0") for name in "xy"})
        plan = program.process("plan", "--output", "json")
        assert plan.verdicts == {"m0@1.0.0": "in-sync", "x@1.0.0": "refused", "y@1.0.0": "refused"}
        confirmed = program.process("apply", "--confirm", plan.json["digest"])
        assert confirmed.code == 0, confirmed.err
        assert fleet.rows() == {"m0": 1, "x": 1, "y": 1}

        for replica in fleet.replicas:
            replica.end()
        fleet.commit()
        applied = program.process("apply")
        assert applied.code == 0, applied.err
        assert fleet.rows()["m1"] == 1
        assert program.process("apply", "--refresh").code == 0  # the lease was given back


def _survey(**holders: str) -> Survey:
    ends = _NOON + timedelta(seconds=8)
    leases = [Lease(target, holder, 1, _NOON, ends) for target, holder in holders.items()]
    return Survey(_NOON, leases, 2, "1")


def test_a_standby_is_ready_and_says_who_leads() -> None:
    """A leader is ready as a process without replicas is."""
    board = Board(Health(lambda: 90.0, 60.0), ("dev", "prod"))
    assert (board.role(), board.leader()) == ("ready", None)
    board.take_survey(_survey(prod="process 7 on a (f00)", dev="process 7 on a (f00)"), ())
    assert board.role() == "standby: process 7 on a leads"
    board.take_survey(_survey(prod="process 7 on a (f00)"), ())
    assert board.leader() == "dev: nobody, prod: process 7 on a"
    board.take_survey(_survey(prod="process 7 on a (f00)", dev="process 8 on b (baa)"), {"dev"})
    assert board.role() == "ready"
    assert b'reconciler_leader{target="dev"} 1.0' in board.scrape()
