"""Killed at any step of the outbox, no message is lost, and one that comes twice has one id."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.notify import Pace, Sender, WebhookSink
from reconciler.secret import GivenSecret
from tests.forked import run
from tests.notify.receiving import receiving
from tests.notify.samples import Wall, item, opened, save

if TYPE_CHECKING:
    from pathlib import Path

# Saves a report and sends what it tells; dies by SIGKILL at the statement, or the commit, that it is told of.
_PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from sqlalchemy import event
from sqlalchemy.engine import Engine
from reconciler.notify import Pace, Sender, WebhookSink
from reconciler.secret import GivenSecret
from tests.notify.samples import Wall, item, opened, save

folder, url, step = sys.argv[1:]
seen = []

@event.listens_for(Engine, "before_cursor_execute")
def statement(connection, cursor, text, *rest):
    seen.append(text)
    if step in text:
        os.kill(os.getpid(), signal.SIGKILL)

@event.listens_for(Engine, "commit")
def commit(connection):
    if step == "commit" and any("INSERT INTO outbox" in text for text in seen):
        os.kill(os.getpid(), signal.SIGKILL)

wall = Wall()
with opened(Path(folder), "oncall") as ledger:
    save(ledger, item("a"), item("b"), item("c"))
    sink = WebhookSink("oncall", Pace(2), GivenSecret(url), None, wall.clock().now)
    asyncio.run(Sender(ledger.outbox, [sink], wall.clock()).flush(20))
"""


@pytest.mark.parametrize(
    ("step", "sent_before"),
    [
        ("INSERT INTO outbox", 0),
        ("commit", 0),
        ("SET digest", 0),
        ("SET sent_at", 1),
    ],
)
def test_killed_at_a_step_the_next_process_sends_what_is_left(
    tmp_path: Path, step: str, sent_before: int
) -> None:
    """In and at the end of the report's transaction, before a digest is made, before it is marked as sent."""
    wall = Wall()
    with receiving() as receiver:
        program = [sys.executable, "-c", _PROGRAM, str(tmp_path), receiver.url, step]
        done = run(program)
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert len(receiver.requests) == sent_before
        with opened(tmp_path, "oncall") as ledger:
            pending = len(ledger.outbox.pending("oncall", 9))
            assert (pending, ledger.last_report() is None) == (
                (0, True) if step in ("commit", "INSERT INTO outbox") else (3, False)
            )
            save(ledger, item("a"), item("b"), item("c"))
            sink = WebhookSink("oncall", Pace(2), GivenSecret(receiver.url), None, wall.clock().now)
            assert asyncio.run(Sender(ledger.outbox, [sink], wall.clock()).flush(20)) == {}
        assert [event["data"]["total"] for event in receiver.bodies] == [3] * (sent_before + 1)
        assert len(set(receiver.ids)) == 1
