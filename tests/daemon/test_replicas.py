"""Commands beside replicas that lead, and what a standby says of itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bench.postgres import programs
from reconciler.app.live_status import LiveStatus
from reconciler.daemon.supervisor import Health
from reconciler.engine.leadership import Lease, LeaseSnapshot
from tests.program import Program, manifest
from tests.torture.fleet import Fleet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

_NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
_ONE_AT_A_TIME = "[guards]\nmax_imports_per_cycle = 1\n"
_ANOTHER_TARGET = """
[targets.dev]
kind = "modelarts"
endpoint = "{registry}"
project_id = "q"
timeout = "30s"
"""
_LEADERS = "SELECT count(DISTINCT holder) FROM lease WHERE target <> '' AND expires_at > clock_timestamp()"


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_commands_work_beside_leaders_by_handing_over_and_by_lease_once_they_died(tmp_path: Path) -> None:
    """`apply` names who leads, --confirm is carried out by the leader; a dead leader is waited for."""
    with Fleet(tmp_path, more=_ONE_AT_A_TIME, timeout=30.0) as fleet:
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


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
def test_each_of_two_leaders_carries_out_at_once_what_is_asked_of_its_target(tmp_path: Path) -> None:
    """`retry` and `apply --confirm` of both targets together, although the schedule asks once an hour."""
    more = _ONE_AT_A_TIME + _ANOTHER_TARGET
    with Fleet(tmp_path, more=more, size=2, timeout=30.0, every="1h", fails="m0") as fleet:
        program = Program(fleet.replicas[0].folder)
        fleet.until(lambda: fleet.server.ask(_LEADERS) == "2", "led by two")
        fleet.until(lambda: _failed(fleet) == "1 1", "failed")

        retried = program.process("retry", "m0@1.0.0", "--yes", "--output", "json")
        assert "released; the process that holds the state goes on with it" in retried.err
        assert (retried.code, retried.verdicts) == (1, {"m0@1.0.0": "failed"})
        fleet.until(lambda: _failed(fleet) == "2 2", "failed again")

        fleet.repository.commit({f"models.d/{name}.yaml": manifest(f"{name}@1.0.0") for name in "xy"})
        plan = program.process("plan", "--output", "json")
        confirmed = program.process("apply", "--confirm", plan.json["digest"])
        assert "y@1.0.0" in confirmed.out, confirmed.err
        assert [fleet.rows(project)[name] for project in "pq" for name in "xy"] == [1, 1, 1, 1]
        assert fleet.server.ask(_LEADERS) == "2"


def _failed(fleet: Fleet) -> str | None:
    """How often the model has failed in the one target and in the other."""
    return fleet.server.ask(
        "SELECT string_agg(number::text, ' ') FROM (SELECT count(*) AS number FROM journal "
        "WHERE kind = 'failed' GROUP BY target ORDER BY target) AS failed"
    )


def _snapshot(**holders: str) -> LeaseSnapshot:
    ends = _NOON + timedelta(seconds=8)
    leases = [Lease(target, holder, 1, _NOON, ends) for target, holder in holders.items()]
    return LeaseSnapshot(_NOON, leases, 2, "1")


def test_a_standby_is_ready_and_says_who_leads() -> None:
    """A leader is ready as a process without replicas is."""
    status = LiveStatus(Health(lambda: 90.0, 60.0), ("dev", "prod"))
    assert (status.role(), status.leader()) == ("ready", None)
    status.take_lease_snapshot(_snapshot(prod="process 7 on a (f00)", dev="process 7 on a (f00)"), ())
    assert status.role() == "standby: process 7 on a leads"
    status.take_lease_snapshot(_snapshot(prod="process 7 on a (f00)"), ())
    assert status.leader() == "dev: nobody, prod: process 7 on a"
    status.take_lease_snapshot(_snapshot(prod="process 7 on a (f00)", dev="process 8 on b (baa)"), {"dev"})
    assert status.role() == "ready"
    assert b'reconciler_leader{target="dev"} 1.0' in status.scrape()
