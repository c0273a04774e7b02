"""A disk without room: the step fails as a whole, with a clear message, and what was there stays."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from reconciler.embedded.database import Database
from reconciler.errors import StateError
from reconciler.state import SqlLedger, check, compact, migrate, rebuild
from tests.small_disk import small_disk
from tests.state.child import group
from tests.state.leading import open_state
from tests.state.remembering import remember
from tests.state.samples import report, requested

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.engine.values import Event

_FULL = "disk or quota is full.*make room"


def _append_until_full(ledger: SqlLedger) -> list[Event]:
    """Appends groups until the state refuses; gives what was accepted."""
    accepted: list[Event] = []
    try:
        for number in range(2000):
            ledger.append(group(number))
            accepted += group(number)
    except StateError as error:
        assert re.search(_FULL, str(error))  # noqa: PT017 - any append may be the one that is refused
        return accepted
    pytest.fail("the state was never full")


def test_whatever_needs_room_says_that_there_is_none(tmp_path: Path) -> None:
    """Looking after a state, whose side files find no place; and a registry's database beside it."""
    with small_disk(tmp_path, "512k"):
        url = f"sqlite:///{tmp_path}/state.db"
        with open_state(url, writer=True) as ledger:
            ledger.append([requested()])
        with (tmp_path / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
            while ballast.write(b"x" * 4096):
                pass
        for look_after in (rebuild, migrate, lambda url: compact(url, datetime.now(UTC))):
            with pytest.raises(StateError, match=r"full.*make room"):
                look_after(url)
        with pytest.raises(
            StateError, match=r"r\.db: cannot be used: .*full; make room, or name another file"
        ):
            Database(tmp_path / "r.db", unique=True)


def test_a_full_disk_keeps_what_was_there_and_works_again_when_there_is_room(tmp_path: Path) -> None:
    """On a real file system of half a megabyte."""
    with small_disk(tmp_path, "512k"):
        url = f"sqlite:///{tmp_path}/state.db"
        ballast = tmp_path / "ballast"
        ballast.write_bytes(b"\0" * 100_000)
        with open_state(url, writer=True) as ledger:
            accepted = _append_until_full(ledger)
            with pytest.raises(StateError, match=_FULL):
                remember(ledger, report(*(f"model-{number}" for number in range(500))))

            assert ledger.events() == accepted
            ballast.unlink()
            ledger.append([requested()])
        assert check(url) == ()
        with open_state(url, writer=False) as ledger:
            assert ledger.events() == [*accepted, requested()]


def test_a_disk_that_is_full_from_the_start_is_said_and_leaves_no_half_state(tmp_path: Path) -> None:
    """Nothing of the state's name appears, so that the next start is a first start."""
    with small_disk(tmp_path, "512k"):
        ballast = tmp_path / "ballast"
        with pytest.raises(OSError, match="No space left"):
            ballast.write_bytes(b"\0" * 1_000_000)
        url = f"sqlite:///{tmp_path}/state.db"
        with pytest.raises(StateError, match=_FULL):
            open_state(url, writer=True)
        assert not (tmp_path / "state.db").exists()

        ballast.unlink()
        with open_state(url, writer=True) as ledger:
            ledger.append([requested()])


def test_a_state_at_its_size_limit_refuses_the_step_and_keeps_the_rest(sqlite_url: str) -> None:
    """SQLite's own answer to a full disk, by its limit of pages."""

    def limit(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 60")  # type: ignore[attr-defined]

    event.listen(Engine, "connect", limit)
    try:
        with open_state(sqlite_url, writer=True) as ledger:
            accepted = _append_until_full(ledger)
            assert ledger.events() == accepted
    finally:
        event.remove(Engine, "connect", limit)
    with open_state(sqlite_url, writer=True) as ledger:
        ledger.append([requested()])
        assert ledger.events() == [*accepted, requested()]
    assert check(sqlite_url) == ()


def test_a_file_size_limit_is_said_as_a_full_disk_without_a_traceback(sqlite_url: str) -> None:
    """`ulimit -f` in another process: the write fails in the middle, and what was acknowledged stays."""
    program = (
        "import resource, sys\n"
        "from reconciler.errors import StateError; from reconciler.state import open_state\n"
        "from tests.state.child import group\n"
        "ledger = open_state(sys.argv[1], writer=True)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "number = 0\n"
        "try:\n"
        "    while True: ledger.append(group(number)); number += 1\n"
        "except StateError as error: print(number, error)\n"
        "try: ledger.close()\n"
        "except StateError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    number, message = done.stdout.split(maxsplit=1)
    assert "state.db could not be" in message

    with open_state(sqlite_url, writer=True) as ledger:
        events = ledger.events()
        assert events == [one for accepted in range(int(number)) for one in group(accepted)]
    assert check(sqlite_url) == ()
