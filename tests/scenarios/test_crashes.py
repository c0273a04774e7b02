from __future__ import annotations

import ctypes
import resource
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.relay import CUT, Answer, honest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.program import Fleet
    from tests.relay import Relay, Request

PATIENCE = 30


class Stalled:
    """Meddles with imports: each waits, before or after it is passed on, until it is let go."""

    def __init__(self, *, made: bool) -> None:
        self.made = made
        self.came = threading.Semaphore(0)
        self.let_go = threading.Event()

    def __call__(self, request: Request, forward: Callable[[], Answer]) -> Answer:
        """What the client sees of one request."""
        if request.method != "POST":
            return forward()
        answer = forward() if self.made else CUT
        self.came.release()
        assert self.let_go.wait(PATIENCE)
        return answer

    def all_came(self, count: int) -> None:
        """Waits until that many imports have come."""
        for _ in range(count):
            assert self.came.acquire(timeout=PATIENCE)


@pytest.mark.parametrize("made", [True, False])
def test_a_process_killed_between_intent_and_result_imports_exactly_once(
    fleet: Fleet, relay: Relay, made: bool
) -> None:
    """Whether or not the call was carried out before it died; the next apply finds out."""
    fleet.environment = {"RECONCILER_TARGETS__PROD__TIMEOUT": "3s"}
    relay.meddle = stalled = Stalled(made=made)
    with fleet.spawn("apply") as process:
        stalled.all_came(2)
        process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE) == -signal.SIGKILL
    stalled.let_go.set()
    assert len(relay.models()) == (2 if made else 0)
    assert {item["verdict"] for item in fleet.json("plan").json["items"]} == (
        {"in-sync"} if made else {"waiting"}
    )
    relay.meddle = honest
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]
    assert relay.posts == (2 if made else 4)
    events = [event["event"] for event in fleet.json("history", "a").json[0]["events"]]
    assert events[0] == "import-requested"
    assert ("adopted" in events) is made


def test_an_intent_is_on_disk_before_its_import_is_sent(fleet: Fleet, relay: Relay) -> None:
    """What status and history say while the call is under way."""
    relay.meddle = stalled = Stalled(made=True)
    with fleet.spawn("apply") as process:
        stalled.all_came(2)
        rows = fleet.json("history").json
        assert [[e["event"] for e in row["events"]] for row in rows] == [["import-requested"]] * 2
        assert fleet.json("status").verdicts == {"a@1.0.0": "waiting", "b@2.0.0": "waiting"}
        assert "no cycle has ended yet" in fleet("status").err
        stalled.let_go.set()
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_apply_finishes_what_is_in_flight_and_starts_nothing(
    fleet: Fleet, relay: Relay, number: signal.Signals
) -> None:
    """The answer is recorded, the report is printed, and the exit code is the signal's."""
    relay.meddle = stalled = Stalled(made=True)
    fleet.environment = {"RECONCILER_TARGETS__PROD__IN_FLIGHT": "1"}
    with fleet.spawn("apply") as process:
        stalled.all_came(1)
        process.send_signal(number)
        assert process.stderr is not None
        while f"{number.name}: nothing new is started" not in process.stderr.readline():
            assert process.poll() is None
        stalled.let_go.set()
        out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}" in err
    assert "1 to import" in out
    assert relay.posts == 1
    assert "imported" in [e["event"] for e in fleet.json("history", "a").json[0]["events"]]
    relay.meddle = honest
    assert fleet.json("apply").json["summary"]["in-sync"] == 2
    assert (relay.posts, len(relay.models())) == (2, 2)


def test_a_signal_while_an_outcome_is_settled_leaves_it_open(fleet: Fleet, relay: Relay) -> None:
    """The wait is cut short, so nothing is concluded from it, and nothing is sent again."""
    fleet.environment = {"RECONCILER_FOLLOW__SETTLE": "20s", "RECONCILER_TARGETS__PROD__IN_FLIGHT": "1"}
    relay.meddle = lambda request, forward: CUT if request.method == "POST" else forward()
    with fleet.spawn("apply") as process:
        assert process.stderr is not None
        while "outcome unknown" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + signal.SIGTERM
    assert relay.posts <= 2
    assert fleet.json("plan").verdicts["a@1.0.0"] == "waiting"


def test_a_signal_while_following_ends_at_once(fleet: Fleet, relay: Relay) -> None:
    """What was imported is recorded; the next apply follows it."""
    relay.meddle = lambda request, forward: (
        Answer(200, forward().body.replace(b'"published"', b'"publishing"'))
        if request.method == "GET"
        else forward()
    )
    fleet.environment = {"RECONCILER_FOLLOW__FIRST": "20s", "RECONCILER_FOLLOW__MAX": "20s"}
    with fleet.spawn("apply") as process:
        assert process.stderr is not None
        seen = [process.stderr.readline() for _ in range(4)]
        assert sum("registered as" in line for line in seen) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    relay.meddle = honest
    fleet.environment = {}
    assert fleet.json("apply").json["summary"]["in-sync"] == 2
    assert relay.posts == 2


def test_a_state_without_write_permission_is_told_and_nothing_is_imported(fleet: Fleet, relay: Relay) -> None:
    """Exit code 3 and what to do; a plan still works."""
    home = fleet.folder / ".reconciler"
    home.mkdir(mode=0o555)
    try:
        done = fleet.process("apply", preexec_fn=_mind_permissions)
        plan = fleet.process("plan", preexec_fn=_mind_permissions)
    finally:
        home.chmod(0o755)
    assert (done.code, done.out, relay.posts) == (3, "", 0)
    assert "permission" in done.err.lower()
    assert plan.code == 0


@pytest.mark.parametrize("state", ["sqlite:///models.d/a-1.0.0.yaml/state.db", "sqlite:///models.d"])
def test_a_state_that_cannot_be_made_is_told_and_nothing_is_imported(
    fleet: Fleet, relay: Relay, state: str
) -> None:
    """Below a file, or in place of a directory."""
    fleet.environment = {"RECONCILER_STATE__URL": state}
    done = fleet("apply")
    assert (done.code, done.out, relay.posts) == (3, "", 0)
    assert "state" in done.err


def test_a_full_disk_is_told_and_what_was_not_written_down_is_not_sent(fleet: Fleet, relay: Relay) -> None:
    """No intent, no import; with room again, everything is imported once."""
    fleet("status")
    first = fleet.process("apply", preexec_fn=lambda: _limit_files(8192))
    assert (first.code, relay.posts) == (3, 0)
    assert "full" in first.err
    assert fleet.json("apply").json["summary"]["in-sync"] == 2
    size = (fleet.folder / ".reconciler/state.db").stat().st_size
    fleet.declare(*(f"m{number}@1.0.0" for number in range(20)))
    full = fleet.process("apply", preexec_fn=lambda: _limit_files(size))
    assert full.code == 3
    assert "full" in full.err
    left = fleet.json("apply")
    assert (left.code, left.json["summary"]["in-sync"]) == (0, 22)
    assert (relay.posts, len(relay.models())) == (22, 22)


def test_a_registry_database_that_cannot_be_made_is_told(fleet: Fleet) -> None:
    """That of the embedded registry, inside the same process: exit code 3."""
    fleet.configure("[targets.local]\nkind = 'embedded'\ndatabase = 'models.d'\n")
    done = fleet("apply")
    assert (done.code, done.out) == (3, "")


def _limit_files(size: int) -> None:
    """No file may grow beyond that many bytes: a disk that is full for this process alone."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _mind_permissions() -> None:
    """Takes from root its right to write where permissions forbid it; others have none."""
    drop_from_bounding_set, may_override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, may_override, 0, 0, 0)
