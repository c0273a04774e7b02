"""One import a pair, with a registry that carries out late, lists late, and takes a pair twice."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from reconciler.embedded import Faults
from tests.daemon.running import SELDOM, events, spawned
from tests.daemon.waiting import until
from tests.program import FOLLOW, Fleet, manifest, modelarts
from tests.relay import CUT, Answer, honest, relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.relay import Relay, Request

pytestmark = pytest.mark.long

PATIENCE = 60
CALL = 8.0  # seconds a call may take


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    """A registry that takes a name and version as often as it is asked to."""
    faults = Faults(accept_duplicates=True)
    with relayed(faults=faults, database=tmp_path / "registry.db") as server:
        yield server


class Late:
    """Meddles with the import of `a`: the line is cut, and the call is carried out some seconds later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.came = threading.Event()
        self.done = threading.Event()

    def __call__(self, request: Request, forward: Callable[[], Answer]) -> Answer:
        """What the client sees of one request."""
        if request.method != "POST" or b'"a"' not in request.body or self.came.is_set():
            return forward()

        def carry_out() -> None:
            forward()
            self.done.set()

        threading.Timer(self.seconds, carry_out).start()
        self.came.set()
        time.sleep(self.seconds)  # the client is killed meanwhile
        return CUT


def test_a_call_that_is_carried_out_after_its_process_was_killed_makes_no_second_model(
    fleet: Fleet, relay: Relay
) -> None:
    """The next process waits until intent, call and settling wait are over; other models do not."""
    fleet.configure(modelarts(relay.url, more=f'timeout = "{CALL:g}s"'))
    relay.meddle = late = Late(4.0)
    with fleet.spawn("apply") as process:
        assert late.came.wait(PATIENCE)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    fleet.declare("c@1.0.0")
    first = fleet.json("apply", "--no-wait")
    if not late.done.is_set():
        assert first.verdicts["a@1.0.0"] == "waiting"
        (reason,) = first.items["a@1.0.0"]["reasons"]
        assert (reason["code"], "looked for again at" in reason["message"]) == ("outcome-unknown", True)
    assert first.verdicts["c@1.0.0"] in ("publishing", "in-sync")
    done = fleet.json("apply")
    assert late.done.wait(PATIENCE)
    assert (done.code, set(done.verdicts.values())) == (0, {"in-sync"})
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b", "c"]


def test_an_answer_that_is_lost_before_the_call_is_carried_out_makes_no_second_model(
    fleet: Fleet, relay: Relay
) -> None:
    """Nobody dies; `apply` itself sees it through."""
    fleet.configure(modelarts(relay.url, more=f'timeout = "{CALL:g}s"'))
    relay.meddle = Late(1.0)
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)
    assert sorted(model["model_name"] for model in relay.models()) == ["a", "b"]
    assert relay.posts == 2


def test_the_rate_limit_is_waited_for_before_the_intent(fleet: Fleet, relay: Relay) -> None:
    """One request a second: when the first call comes, the last of four intents is not written yet."""
    intents: list[int] = []

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST":
            now = datetime.now(UTC)
            first = not intents
            intents.append(0)
            if first:
                asked = [e["at"] for e in _journal(fleet) if e["event"] == "import-requested"]
                intents[0] = sum(datetime.fromisoformat(at) <= now for at in asked)  # reading takes its time
        return forward()

    relay.meddle = meddle
    fleet.declare("c@1.0.0", "d@1.0.0")
    fleet.configure(modelarts(relay.url, more="rate = 1.0\nin_flight = 4"))
    with fleet.spawn("apply", "--no-wait") as process:
        assert process.wait(PATIENCE) == 0
    assert len(intents) == 4
    assert 1 <= intents[0] < 4


def _journal(fleet: Fleet) -> list[Any]:
    done = fleet.process("history", "--output", "json")
    return [event for row in done.json for event in row["events"]]


def test_an_answer_to_a_question_that_is_out_of_date_is_not_recorded(fleet: Fleet) -> None:
    """`retry --yes` deletes the failed model while the loop has asked about it; the loop imports it again."""
    with relayed(fail_pattern="a", publish_seconds=0.5) as relay:
        asked, let_go = threading.Event(), threading.Event()

        def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
            answer = forward()
            if request.method == "GET" and b'"failed"' in answer.body and not asked.is_set():
                asked.set()
                assert let_go.wait(PATIENCE)
            return answer

        relay.meddle = meddle
        fleet.configure(SELDOM + '[follow]\nfirst = "100ms"\n' + modelarts(relay.url).replace(FOLLOW, ""))
        fleet.commit({"models.d/b-2.0.0.yaml": None})

        async def work() -> None:
            async with spawned(fleet) as loop:
                await until(asked.is_set, PATIENCE)
                retry = asyncio.create_task(asyncio.to_thread(fleet.process, "retry", "a@1.0.0", "--yes"))
                while "deleted" not in [event["event"] for event in await asyncio.to_thread(_journal, fleet)]:
                    assert not retry.done()
                let_go.set()  # while the loop still waits for it; `retry` waits for the loop
                await retry
                await loop.tells("import status updated", did_failed=1)

        asyncio.run(work())
    assert [event["event"] for event in events(fleet)] == [
        *("import-requested", "imported", "deleted"),
        *("import-requested", "imported", "failed"),
    ]


def test_the_loop_imports_what_is_new_while_another_model_waits_for_its_turn(
    fleet: Fleet, relay: Relay
) -> None:
    """429 with a long Retry-After for one model: the tick does not sit through it."""

    def busy(request: Request, forward: Callable[[], Answer]) -> Answer:
        if request.method == "POST" and b'"a"' in request.body:
            return Answer(429, b"{}", retry_after=25)
        return forward()

    relay.meddle = busy
    fleet.configure(SELDOM + modelarts(relay.url))

    async def work() -> None:
        async with spawned(fleet) as loop:
            await loop.tells("tick")
            fleet.declare("c@1.0.0")
            await until(lambda: any(m["model_name"] == "c" for m in relay.models()), 20)
            assert sum(request.method == "POST" and b'"a"' in request.body for request in relay.requests) == 1

    asyncio.run(work())
    assert fleet.json("status").verdicts["a@1.0.0"] == "waiting"


def test_a_clock_that_was_ahead_holds_nothing_back_once_it_is_right(fleet: Fleet, relay: Relay) -> None:
    """Three days: neither a model that waits for its turn, nor one whose outcome is open."""
    answers = {b'"a"': Answer(429, b"{}", retry_after=600), b'"b"': CUT}

    def meddle(request: Request, forward: Callable[[], Answer]) -> Answer:
        spoilt = [answer for name, answer in answers.items() if name in request.body]
        return spoilt[0] if request.method == "POST" else forward()

    relay.meddle = meddle
    fleet.configure(modelarts(relay.url, more='timeout = "3s"'))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3), tick=True):
        assert set(fleet.json("apply", "--no-wait").verdicts.values()) == {"waiting"}
    relay.meddle = honest
    done = fleet.json("apply")
    assert (done.code, done.json["summary"]["in-sync"]) == (0, 2)
    assert len(relay.models()) == 2


def test_doctor_measures_how_late_a_list_shows_what_others_import(tmp_path: Path) -> None:
    """It imports nothing, and says so where nobody does."""
    with relayed(faults=Faults(visible_after=1.0)) as relay:
        fleet = Fleet(tmp_path / "fleet")
        fleet.configure(modelarts(relay.url))
        fleet.commit({"models.d/a.yaml": manifest("a@1.0.0")})
        nothing = fleet.json("doctor", "--measure", "--seconds", "1")
        (finding,) = [row for row in nothing.json if row["check"] == "list"]
        assert "nothing was imported" in finding["message"]
        assert relay.posts == 0
        with fleet.spawn("doctor", "--measure", "--seconds", "50", "--output", "json") as doctor:
            for number in range(50):
                if doctor.poll() is None:
                    fleet.declare(f"m{number}@1.0.0")
                    assert fleet("apply").code == 0
                    with suppress(subprocess.TimeoutExpired):  # the next one may come while it looks
                        doctor.wait(2)
            out, _ = doctor.communicate(timeout=PATIENCE)
    assert '"list"' in out
    assert "set follow.settle, which is 0.05 s, to at least" in out
