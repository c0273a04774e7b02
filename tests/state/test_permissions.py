"""A state that may be read but not written, or not even read: as another user, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.forked import run
from tests.state.child import group
from tests.state.leading import open_state

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOBODY = 65534

# The interpreter's own files may be closed to the other user: everything is loaded before changing to it.
_PROGRAM = """
import os, sys
from reconciler.errors import StateError
from reconciler.state import check, open_journal, open_state
url, writer = sys.argv[1], sys.argv[2] == "writer"
open_state("sqlite:///" + sys.argv[3], writer=True).close()
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    with open_state(url, writer=writer) as ledger:
        events = ledger.events()
        print("events", len(events))
    if not writer:
        with open_journal(url) as journal:
            assert journal.events() == events
except StateError as error:
    print("refused:", error)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can reach."""
    made = Path(tempfile.mkdtemp(prefix="reconciler-shared-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def _as_other_user(url: str, role: str, scratch: Path) -> str:
    arguments = [sys.executable, "-c", _PROGRAM, url, role, str(scratch / "warm.db")]
    done = run(arguments)
    assert done.stderr == ""
    return done.stdout


def _write(place: Path, *, groups: int = 3) -> str:
    url = f"sqlite:///{place}/state.db"
    with open_state(url, writer=True) as ledger:
        for number in range(groups):
            ledger.append(group(number))
    (place / "state.db").chmod(0o644)
    if os.geteuid() != 0:
        place.chmod(0o555)
    return url


def test_a_state_in_a_read_only_directory_can_be_read(place: Path, tmp_path: Path) -> None:
    """SQLite cannot put its files beside it; the events are read all the same, and nothing is left there."""
    url = _write(place)
    before = set(place.iterdir())

    assert _as_other_user(url, "reader", tmp_path) == "events 18\n"
    assert set(place.iterdir()) == before
    place.chmod(0o755)


def test_a_crashed_writers_log_is_read_in_a_read_only_directory(place: Path, tmp_path: Path) -> None:
    """What is only in the write-ahead log counts, with or without SQLite's index of it."""
    origin = tmp_path / "origin"
    origin.mkdir()
    with open_state(f"sqlite:///{origin}/state.db", writer=True) as ledger:
        for number in range(4):
            ledger.append(group(number))
        for name in ("state.db", "state.db-wal"):
            shutil.copyfile(origin / name, place / name)
            (place / name).chmod(0o644)
    if os.geteuid() != 0:
        place.chmod(0o555)

    assert _as_other_user(f"sqlite:///{place}/state.db", "reader", tmp_path) == "events 24\n"
    place.chmod(0o755)


def test_a_live_writers_state_can_be_read_by_another_user(place: Path, tmp_path: Path) -> None:
    """Read access to the files is enough."""
    if os.geteuid() != 0:
        pytest.skip("needs two users")
    url = f"sqlite:///{place}/state.db"
    with open_state(url, writer=True) as ledger:
        ledger.append(group(0))
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            (place / name).chmod(0o644)
        assert _as_other_user(url, "reader", tmp_path) == "events 6\n"
        ledger.append(group(1))
        assert _as_other_user(url, "reader", tmp_path) == "events 12\n"


@pytest.mark.parametrize("lock_is_shared", [False, True])
def test_writing_in_a_read_only_directory_is_refused(
    place: Path, tmp_path: Path, lock_is_shared: bool
) -> None:
    """Whether the lock or the database is the first thing that cannot be written."""
    url = _write(place)
    if lock_is_shared:
        (place / "state.db.lock").chmod(0o666)
    else:
        (place / "state.db.lock").unlink()
    content = (place / "state.db").read_bytes()

    answer = _as_other_user(url, "writer", tmp_path)
    assert answer.startswith(f"refused: state {place}/state.db")
    assert "permission denied" in answer or "read-only" in answer
    assert (place / "state.db").read_bytes() == content
    place.chmod(0o755)


def test_a_read_only_file_in_a_writable_directory_is_refused_when_writing(
    place: Path, tmp_path: Path
) -> None:
    """At the start, not at the first event."""
    url = _write(place)
    (place / "state.db").chmod(0o444)
    place.chmod(0o777)
    (place / "state.db.lock").unlink()

    answer = _as_other_user(url, "writer", tmp_path)
    assert answer.startswith(f"refused: state {place}/state.db")
    assert "read-only" in answer


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_a_state_that_may_not_be_read_is_refused(place: Path, tmp_path: Path, role: str) -> None:
    """The file closed, and the directory closed: never taken for an empty state."""
    url = _write(place)
    for closed in (place / "state.db", place):
        mode = closed.stat().st_mode
        closed.chmod(0)
        answer = _as_other_user(url, role, tmp_path)
        closed.chmod(mode)
        assert answer.startswith(f"refused: state {place}/state.db")
        assert "permission denied" in answer
    place.chmod(0o755)


def test_a_read_only_file_system_is_refused_when_writing(place: Path) -> None:
    """Even to the user who may do anything; reading goes on."""
    url = _write(place)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    copy = (place / "state.db").read_bytes()
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a file system")
    try:
        (place / "state.db").write_bytes(copy)
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        with pytest.raises(Exception, match="read-only"):
            open_state(url, writer=True)
        with open_state(url, writer=False) as ledger:
            assert len(ledger.events()) == 18
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
