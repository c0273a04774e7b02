"""Messages are in the state with the verdicts they tell of, in both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from reconciler.engine.episodes import Subscription
from reconciler.engine.values import ModelState, Report, Verdict
from reconciler.manifest.values import Reason
from tests.state.leading import open_state
from tests.state.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.state import SqlLedger

HOSTILE = "\udcff \\u0041 \0 'ü"


@pytest.fixture
def ledger(url: str) -> Iterator[SqlLedger]:
    """A state that is told of by two sinks, of which one wants to hear of `a` only."""
    with opened(url, None, ("a",)) as made:
        yield made


def opened(url: str, *models: tuple[str, ...] | None) -> SqlLedger:
    subscriptions = [Subscription(f"sink{number}", models=patterns) for number, patterns in enumerate(models)]
    return open_state(url, writer=True, now=lambda: NOON, subscriptions=subscriptions)


def bad(name: str | None, verdict: Verdict = Verdict.FAILED) -> ModelState:
    version = "1.0.0" if name else None
    reasons = (Reason("code", HOSTILE),)
    path = f"models.d/{HOSTILE}.yaml"
    return ModelState("prod", verdict, name, version, path, 7, reasons=reasons, author=HOSTILE, since=NOON)


def save(ledger: SqlLedger, *items: ModelState) -> None:
    ledger.save_report(Report("c" * 40, "d" * 64, items), {"prod": None}, {})


def names(ledger: SqlLedger, sink: str = "sink0") -> list[str]:
    return [row.message.subject.title for row in ledger.outbox.pending(sink, 10)]


def test_messages_come_back_as_they_went_in_and_in_their_order(ledger: SqlLedger) -> None:
    """With texts that are hard to keep; each sink has its own."""
    save(ledger, bad("b"), bad("a"), bad(None, Verdict.INVALID))
    assert names(ledger) == ["b@1.0.0", "a@1.0.0", f"models.d/{HOSTILE}.yaml"]
    assert names(ledger, "sink1") == ["a@1.0.0", f"models.d/{HOSTILE}.yaml"]
    message = ledger.outbox.pending("sink0", 1)[0].message
    assert (message.reason, message.author, message.line) == (HOSTILE, HOSTILE, 7)
    assert (message.began, message.at, message.verdict) == (NOON, NOON, Verdict.FAILED)
    waiting = ledger.outbox.pending_counts()
    assert {sink: backlog.number for sink, backlog in waiting.items()} == {"sink0": 3, "sink1": 2}


def test_what_is_sent_is_kept_while_its_episode_goes_on_and_then_removed(ledger: SqlLedger) -> None:
    """So that it is told once, also by the next process; nothing is left at the end."""
    save(ledger, bad("b"))
    (row,) = ledger.outbox.pending("sink0", 10)
    writes = ledger.writes
    save(ledger, bad("b"))
    assert ledger.writes == writes
    ledger.outbox.mark_sent([row.row_id], NOON)
    assert names(ledger) == []
    assert [message.subject.title for message in ledger.outbox.open_messages("sink0")] == ["b@1.0.0"]
    save(ledger)
    (row,) = ledger.outbox.pending("sink0", 10)
    assert (row.message.kind, row.message.verdict, row.message.was) == ("recovered", None, Verdict.FAILED)
    ledger.outbox.mark_sent([row.row_id], NOON)
    assert (names(ledger), ledger.outbox.open_messages("sink0")) == ([], [])


def test_an_attempt_that_failed_is_remembered(ledger: SqlLedger) -> None:
    """How many there were, why, and until when to wait."""
    save(ledger, bad("b"))
    later = NOON + timedelta(minutes=1)
    for _ in range(2):
        (row,) = ledger.outbox.pending("sink0", 10)
        ledger.outbox.postpone([row.row_id], later, HOSTILE)
    (row,) = ledger.outbox.pending("sink0", 10)
    assert (row.attempts, row.not_before, row.error) == (2, later, HOSTILE)


def test_a_digest_is_of_the_messages_that_waited_when_it_was_made(ledger: SqlLedger) -> None:
    """Others are not in it; it is sent, or postponed, as a whole."""
    save(ledger, bad("b"), bad("c", Verdict.DRIFTED))
    ledger.outbox.assign_bundle("sink0", "digest-1")
    save(ledger, bad("b"), bad("c", Verdict.DRIFTED), bad("d"))
    assert ledger.outbox.bundle_counts("digest-1") == {
        ("attention", Verdict.DRIFTED): 1,
        ("attention", Verdict.FAILED): 1,
    }
    ledger.outbox.postpone("digest-1", NOON, "no")
    assert [row.bundle for row in ledger.outbox.pending("sink0", 10)] == ["digest-1", "digest-1", None]
    ledger.outbox.mark_sent("digest-1", NOON)
    assert names(ledger) == ["d@1.0.0"]


def test_a_filter_that_is_narrowed_and_widened_again_writes_no_message_twice(url: str) -> None:
    """The first one, which still waits, is the same one, and nobody is told that it has recovered."""
    for models in (None, ("a",), None):
        with opened(url, models) as ledger:
            save(ledger, bad("b"))
    with opened(url, None) as ledger:
        save(ledger, bad("b"))
        assert [row.message.kind for row in ledger.outbox.pending("sink0", 10)] == ["attention"]


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_target_that_is_configured_again_is_told_last_as_what_it_is(url: str, times: int) -> None:
    """Whether the sink took nothing meanwhile, the first message, or also that the model had recovered."""
    kinds: list[str] = []
    for step, target in enumerate(("prod", "dev", "prod")):
        subscription = Subscription("sink0", targets=frozenset({target}))
        with open_state(url, writer=True, now=lambda: NOON, subscriptions=[subscription]) as ledger:
            items = (bad("b"),) if target == "prod" else ()
            ledger.save_report(Report("c" * 40, "d" * 64, items), {target: None}, {})
            waiting = ledger.outbox.pending("sink0", 10)
            if step < times:
                ledger.outbox.mark_sent([row.row_id for row in waiting], NOON)
            if step < times or step == 2:
                kinds += [row.message.kind for row in waiting]
    assert (kinds[-1], "recovered" in kinds) == ("attention", times == 2)


def test_what_is_of_other_sinks_is_forgotten(ledger: SqlLedger) -> None:
    """Those that are configured keep theirs; nothing is written where there is nothing to forget."""
    save(ledger, bad("a"))
    ledger.outbox.retain_sinks(["sink1"])
    writes = ledger.writes
    ledger.outbox.retain_sinks(["sink1"])
    assert (set(ledger.outbox.pending_counts()), ledger.writes) == ({"sink1"}, writes)


def test_very_many_messages_are_written_at_once(ledger: SqlLedger) -> None:
    """As when a registry loses a project."""
    save(ledger, *(bad(f"m{number}") for number in range(3000)))
    assert ledger.outbox.pending_counts()["sink0"].number == 3000
    ledger.outbox.assign_bundle("sink0", "digest-1")
    assert ledger.outbox.bundle_counts("digest-1") == {("attention", Verdict.FAILED): 3000}
    save(ledger)
    assert ledger.outbox.pending_counts()["sink0"].number == 6000


def test_a_row_that_cannot_be_read_is_named(url: str) -> None:
    """As the error of a state that somebody edited."""
    with opened(url, None) as ledger:
        save(ledger, bad("b"))
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET facts = '{}'"))
    with opened(url, None) as ledger, pytest.raises(Exception, match="row 1 of the outbox"):
        ledger.outbox.pending("sink0", 10)
