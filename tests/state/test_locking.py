"""One writer a state, on a file and on a server; a writer that dies leaves no lock."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

import pytest

from reconciler.errors import StateLockedError
from reconciler.state import rebuild
from tests.state.child import Child
from tests.state.leading import open_state
from tests.state.samples import requested


def test_the_second_writer_is_told_who_the_first_one_is(url: str) -> None:
    """Process, machine and since when; the first one goes on undisturbed."""
    with open_state(url, writer=True) as first:
        for refused in (lambda: open_state(url, writer=True), lambda: rebuild(url)):
            with pytest.raises(StateLockedError) as refusal:
                refused()
            assert f"process {os.getpid()} on {socket.gethostname()} since 20" in str(refusal.value)
        first.append([requested()])


def test_closing_lets_the_next_writer_in(url: str) -> None:
    """At once."""
    for minute in range(3):
        with open_state(url, writer=True) as ledger:
            ledger.append([requested(minute=minute)])
            assert len(ledger.events()) == minute + 1


def test_readers_are_never_locked_out(url: str) -> None:
    """They see what the writer has committed, while it is still open."""
    with open_state(url, writer=True) as writer, open_state(url, writer=False) as reader:
        writer.append([requested()])
        assert reader.events() == [requested()]
        with open_state(url, writer=False) as late:
            assert late.events() == [requested()]


def test_another_process_holds_the_lock_until_it_is_killed(url: str) -> None:
    """Refused while it lives, with its number; free once it is dead, without anybody's help."""
    with Child(url) as child:
        child.group()
        with pytest.raises(
            StateLockedError, match=rf"process {child.pid} on {re.escape(socket.gethostname())}"
        ):
            open_state(url, writer=True)
        child.kill()

    child.next_writer().close()


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"pid": "\x1b[31m"}', b"\xff" * 5000])
def test_a_lock_file_with_anything_in_it_locks_only_when_it_is_locked(sqlite_url: str, note: bytes) -> None:
    """What a dead process left in it neither locks nor confuses."""
    open_state(sqlite_url, writer=True).close()
    lock = Path(sqlite_url.removeprefix("sqlite:///") + ".lock")
    lock.write_bytes(note)

    with open_state(sqlite_url, writer=True):
        lock.write_bytes(note)
        with pytest.raises(StateLockedError, match="another process") as refusal:
            open_state(sqlite_url, writer=True)
        assert str(refusal.value).isprintable()


def test_the_name_in_a_lock_file_reaches_no_terminal_raw(sqlite_url: str) -> None:
    """Control characters in the holder's name are shown as escapes."""
    with open_state(sqlite_url, writer=True):
        lock = Path(sqlite_url.removeprefix("sqlite:///") + ".lock")
        lock.write_text('{"pid": 1, "host": "\\u001b[31mred", "since": "now"}')
        with pytest.raises(StateLockedError, match=r"process 1 on \\x1b\[31mred since now"):
            open_state(sqlite_url, writer=True)
