"""What a command asks of the process that holds the state, and the answer."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from reconciler.engine.values import CycleAnswer, CycleRequest
from reconciler.state import open_for_release
from tests.state.leading import open_state
from tests.state.samples import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.state import SqlLedger

ASKED = CycleRequest("r-1", "d" * 64, NOON + timedelta(minutes=1), "ada@build-7", "prod")
ANSWER = CycleAnswer(4, "the plan is another")


@pytest.fixture
def writer(url: str) -> Iterator[SqlLedger]:
    """The process that holds the state."""
    with open_state(url, writer=True) as ledger:
        yield ledger


@pytest.fixture
def beside(url: str, writer: SqlLedger) -> Iterator[SqlLedger]:  # noqa: ARG001 - it makes the state
    """The command that asks it."""
    with closing(open_for_release(url)) as ledger:
        yield ledger


def test_a_request_is_found_taken_and_answered(writer: SqlLedger, beside: SqlLedger) -> None:
    """And gone once its answer was read."""
    beside.requests.ask(ASKED)
    assert beside.requests.answered(ASKED) is None
    assert writer.poll(NOON)[1] == [ASKED]
    assert writer.requests.take(ASKED)
    assert beside.requests.answered(ASKED) is None
    writer.requests.answer(ASKED, ANSWER)
    assert writer.poll(NOON)[1] == []
    assert beside.requests.answered(ASKED) == ANSWER
    beside.requests.forget(ASKED)
    assert beside.requests.answered(ASKED) is None


def test_a_request_is_withdrawn_or_taken_and_never_both(writer: SqlLedger, beside: SqlLedger) -> None:
    """Whichever is first."""
    beside.requests.ask(ASKED)
    assert beside.requests.withdraw(ASKED)
    assert not writer.requests.take(ASKED)
    writer.requests.answer(ASKED, ANSWER)
    assert (beside.requests.answered(ASKED), writer.poll(NOON)[1]) == (None, [])
    beside.requests.ask(ASKED)
    assert writer.requests.take(ASKED)
    assert not beside.requests.withdraw(ASKED)


def test_a_request_that_nobody_took_in_time_is_not_carried_out(writer: SqlLedger, beside: SqlLedger) -> None:
    """Whoever asked may be dead."""
    beside.requests.ask(ASKED)
    assert writer.poll(ASKED.expires_at)[1] == []


def test_a_request_that_a_dead_process_took_is_still_pending_and_cannot_be_taken_again(
    writer: SqlLedger, beside: SqlLedger
) -> None:
    """So that it is answered, and not carried out twice."""
    beside.requests.ask(ASKED)
    writer.requests.take(ASKED)
    assert writer.poll(ASKED.expires_at)[1] == [ASKED]
    assert not writer.requests.take(ASKED)


def test_requests_of_long_ago_are_forgotten_with_the_next_one(writer: SqlLedger, beside: SqlLedger) -> None:
    """The state does not grow by commands that died."""
    beside.requests.ask(ASKED)
    later = CycleRequest("r-2", None, ASKED.expires_at + timedelta(days=2))
    beside.requests.ask(later)
    assert [name for name in writer.marks("") if name.startswith("request ")] == ["request r-2"]


def test_a_request_is_no_event(writer: SqlLedger, beside: SqlLedger) -> None:
    """The journal speaks of models only."""
    before = writer.position()
    beside.requests.ask(ASKED)
    assert writer.position() == before


def test_a_row_that_is_no_request_holds_nobody_up(writer: SqlLedger, beside: SqlLedger) -> None:
    """One of another version of the program: left out, and removed by whoever asks next."""
    writer.mark("", "request other", '{"confirm": 1}')
    writer.mark("", "request broken", "{")
    assert writer.poll(NOON)[1] == []
    beside.requests.ask(ASKED)
    assert writer.poll(NOON)[1] == [ASKED]
    assert not {"request other", "request broken"} & writer.marks("").keys()
