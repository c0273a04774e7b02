"""What waits in the outbox reaches each sink, at least once, at its pace, whatever other sinks do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from reconciler.engine.values import Verdict
from reconciler.errors import StateError
from reconciler.notify import AlertmanagerSink, FeishuSink, Pace, Sender, WebhookSink, feishu_pace
from reconciler.secret import GivenSecret
from reconciler.state.outbox import Outbox
from tests.daemon.waiting import until
from tests.notify.receiving import TAKEN, receiving
from tests.notify.samples import NOON, Wall, item, opened, save
from tests.relay import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime
    from pathlib import Path

    from reconciler.engine.episodes import RowSelection
    from reconciler.notify import Sink
    from reconciler.state import SqlLedger
    from tests.notify.receiving import Receiver

DOWN = Answer(503, b"down")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    """A state that is told of by one sink."""
    with opened(tmp_path, "oncall") as made:
        yield made


def webhook(receiver: Receiver, wall: Wall, name: str = "oncall", per_minute: int = 10) -> Sink:
    url = GivenSecret(receiver.url)
    return WebhookSink(name, Pace(per_minute), url, None, wall.clock().now)


def flush(ledger: SqlLedger, wall: Wall, *sinks: Sink) -> dict[str, Any]:
    """Sends what is due, as a process that was just started."""
    return dict(asyncio.run(Sender(ledger.outbox, sinks, wall.clock()).flush(20)))


def test_a_night_of_one_model_is_two_messages(ledger: SqlLedger) -> None:
    """It fails, is reported again and again, also by another process, and recovers."""
    wall = Wall()
    with receiving() as receiver:
        sink = webhook(receiver, wall)
        save(ledger, item())
        assert flush(ledger, wall, sink) == {}
        save(ledger, item(reasons=()))
        save(ledger, item(), item("other", Verdict.IN_SYNC))
        assert flush(ledger, wall, sink) == {}
        assert [event["type"] for event in receiver.bodies] == ["model-reconciler.model.attention"]
        save(ledger, item(verdict=Verdict.IN_SYNC, minute=9))
        assert flush(ledger, wall, sink) == {}
        assert [event["data"]["verdict"] for event in receiver.bodies] == ["failed", "in-sync"]
    assert ledger.outbox.open_messages("oncall") == []


def test_a_report_that_cannot_be_saved_leaves_no_message(tmp_path: Path) -> None:
    """Both are one transaction: a name that no index takes stops both."""
    with opened(tmp_path, "oncall") as ledger:
        bad = item("a")._replace(line=2**70)
        with suppress(StateError, OverflowError):
            save(ledger, item("b"), bad)
        assert ledger.last_report() is None
        assert ledger.outbox.pending("oncall", 10) == []


def test_a_sink_that_is_down_is_tried_later_and_later_with_the_same_id(ledger: SqlLedger) -> None:
    """The wait doubles; `Retry-After` is kept to; the error is remembered, and a restart does not hurry."""
    wall = Wall()
    with receiving(DOWN, DOWN, Answer(429, retry_after=120), TAKEN) as receiver:
        sink = webhook(receiver, wall)
        save(ledger, item())
        for waits in (5, 10, 120):
            left = flush(ledger, wall, sink)
            assert (left["oncall"].number, left["oncall"].oldest) == (1, NOON)
            assert left["oncall"].error.startswith("HTTP ")
            wall.goes_on(waits - 2)
            before = len(receiver.requests)
            flush(ledger, wall, sink)
            assert len(receiver.requests) == before
            wall.goes_on(2)
        assert flush(ledger, wall, sink) == {}
        assert len(receiver.ids) == 4
        assert len(set(receiver.ids)) == 1


class FullDisk(Outbox):
    """The outbox, on a disk that is full for a while."""

    is_full = True

    def mark_sent(self, which: RowSelection, at: datetime) -> None:
        """Fails while the disk is full."""
        if self.is_full:
            raise StateError("the disk is full")
        super().mark_sent(which, at)


@pytest.mark.parametrize("batch", [1, 200])
def test_what_was_taken_and_could_not_be_marked_is_not_sent_again_by_this_process(
    ledger: SqlLedger, batch: int
) -> None:
    """It is marked later; what came meanwhile is sent, alone or with others."""
    wall = Wall()
    with receiving() as receiver:
        outbox = FullDisk(ledger._database)
        pace = Pace(10, batch=batch)
        sink = WebhookSink("oncall", pace, GivenSecret(receiver.url), None, wall.clock().now)
        sender = Sender(outbox, [sink], wall.clock())
        save(ledger, item("a"))
        for _ in range(3):
            with pytest.raises(StateError):
                asyncio.run(sender.flush(20))
        assert len(receiver.requests) == 1
        outbox.is_full = False
        save(ledger, item("a"), item("b"))
        assert asyncio.run(sender.flush(20)) == {}
        assert len(receiver.requests) == 2
    assert ledger.outbox.pending("oncall", 9) == []


def test_what_is_above_the_pace_becomes_one_digest(ledger: SqlLedger) -> None:
    """With how many there are of what, and the first of them; the next one a minute later at the soonest."""
    wall = Wall()
    with receiving() as receiver:
        sink = webhook(receiver, wall, per_minute=3)
        sender = Sender(ledger.outbox, [sink], wall.clock())
        first = [item(f"a{number}") for number in range(3)]
        save(ledger, *first)
        asyncio.run(sender.flush(20))
        assert len(receiver.requests) == 3
        many = [item(f"b{number:02}", Verdict.DRIFTED) for number in range(70)]
        save(ledger, *first, *many)
        asyncio.run(sender.flush(20))
        digest = receiver.bodies[3]
        assert (digest["type"], digest["data"]["total"]) == ("model-reconciler.model.digest", 70)
        assert digest["data"]["numbers"] == [{"event": "attention", "verdict": "drifted", "number": 70}]
        assert [one["model_name"] for one in digest["data"]["first"]] == [f"b{n:02}" for n in range(50)]
        save(ledger)
        asyncio.run(sender.flush(20))
        assert len(receiver.requests) == 4
        wall.goes_on(59)
        asyncio.run(sender.flush(20))
        wall.goes_on(1)
        assert asyncio.run(sender.flush(20)) == {}
        assert [len(receiver.requests), receiver.bodies[4]["data"]["total"]] == [5, 73]


def test_a_digest_that_was_not_taken_is_sent_again_as_it_was(ledger: SqlLedger) -> None:
    """What came meanwhile is not put into it: its id would not tell the repetition any more."""
    wall = Wall()
    with receiving(DOWN, TAKEN) as receiver:
        sink = webhook(receiver, wall, per_minute=1)
        save(ledger, item("a"), item("b"))
        assert flush(ledger, wall, sink)["oncall"].number == 2
        save(ledger, item("a"), item("b"), item("c"))
        wall.goes_on(6)
        assert flush(ledger, wall, sink) == {}
        assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]
        assert [event["data"].get("total") for event in receiver.bodies] == [2, 2, None]


def test_alertmanager_gets_everything_at_once_and_open_episodes_again_later(tmp_path: Path) -> None:
    """It has no digest, and forgets what it was told when it starts anew."""
    wall = Wall()
    with receiving(Answer(200)) as receiver, opened(tmp_path, "am") as ledger:
        pace = Pace(1, batch=200, refresh=300)
        sender = Sender(
            ledger.outbox, [AlertmanagerSink("am", pace, GivenSecret(receiver.url))], wall.clock()
        )
        save(ledger, *(item(f"a{number}") for number in range(5)))
        asyncio.run(sender.flush(20))
        save(ledger, item("a0"))
        asyncio.run(sender.flush(20))
        wall.goes_on(301)
        asyncio.run(sender.flush(20))
        assert [len(alerts) for alerts in receiver.bodies] == [5, 4, 1]
        assert receiver.bodies[2][0]["labels"]["model_name"] == "a0"


def test_feishu_gets_at_most_four_a_second(tmp_path: Path) -> None:
    """And after ninety in a minute, a digest."""
    wall = Wall()
    with receiving() as receiver, opened(tmp_path, "chat") as ledger:
        sink = FeishuSink("chat", feishu_pace(500), GivenSecret(receiver.url), None, wall.clock().now)
        save(ledger, *(item(f"a{number}") for number in range(8)))
        assert flush(ledger, wall, sink) == {}
        assert len(receiver.requests) == 8
        assert wall.slept == [0.25] * 8


def test_a_sink_of_which_the_configuration_says_nothing_any_more_is_forgotten(ledger: SqlLedger) -> None:
    """Nobody could send what waits for it."""
    save(ledger, item())
    ledger.outbox.retain_sinks(["another"])
    assert ledger.outbox.pending_counts() == {}


@asynccontextmanager
async def sending(sender: Sender) -> AsyncIterator[None]:
    """Has it run during the block."""
    task = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Broken:
    """A sink with a mistake in it."""

    name, pace = "broken", Pace(10)

    async def deliver(self, notification: object) -> None:
        """Fails in a way that nobody expected."""
        raise RuntimeError(f"https://hook/secret {notification}")


class Stuck(Broken):
    """A sink that never answers."""

    name = "stuck"

    async def deliver(self, notification: object) -> None:
        """Waits."""
        del notification
        await asyncio.sleep(3600)


def test_a_sink_that_hangs_or_breaks_holds_up_no_other(tmp_path: Path) -> None:
    """Each has a task of its own; what is said of a mistake holds nothing that may be secret."""
    wall, attempts = Wall(), []

    async def work() -> None:
        with opened(tmp_path, "stuck", "broken", "oncall") as ledger, receiving() as receiver:
            sinks: list[Sink] = [Stuck(), Broken(), webhook(receiver, wall)]
            sender = Sender(
                ledger.outbox, sinks, wall.clock(), lambda name, taken: attempts.append((name, taken))
            )
            async with sending(sender):
                save(ledger, item())
                sender.wake()
                await until(lambda: set(ledger.outbox.pending_counts()) == {"stuck", "broken"})
                await until(lambda: ledger.outbox.pending("broken", 9)[0].error is not None)
            assert sorted(attempts) == [("broken", False), ("oncall", True)]
            assert ledger.outbox.pending("broken", 9)[0].error == "unexpected RuntimeError"

    with structlog.testing.capture_logs() as logs:
        asyncio.run(work())
    assert [(line["sink"], line["log_level"]) for line in logs] == [("broken", "warning")]
    assert "secret" not in str(logs)
