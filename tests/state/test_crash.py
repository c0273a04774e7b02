"""A writer killed at any moment loses nothing it was told is durable, and leaves nothing half done."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from reconciler.state import check
from tests.state.child import GROUP, Child, group
from tests.state.leading import open_state

if TYPE_CHECKING:
    from pathlib import Path

_KILLS = 4


def test_a_writer_killed_at_random_moments_loses_nothing(url: str) -> None:
    """Each append that returned is there, no group is there in part, and the ledger is the journal's fold."""
    chance = random.Random(20261123)
    for _ in range(_KILLS):
        with Child(url) as child:
            child.group()
            time.sleep(chance.uniform(0, 0.02))
            child.kill()
        with child.next_writer() as ledger:
            events = list(ledger.events())
        groups, rest = divmod(len(events), GROUP)

        assert rest == 0
        assert child.acknowledged + 1 <= groups <= child.acknowledged + 2
        assert events == [event for number in range(groups) for event in group(number)]
        assert check(url) == ()


def test_a_reader_beside_a_busy_writer_sees_only_whole_groups(url: str) -> None:
    """Another process writes; whatever moment is read, no group is there in part, and none goes away."""
    seen = 0
    with Child(url) as child:
        child.group()
        with open_state(url, writer=False) as reader:
            for _ in range(40):
                events = reader.events()
                assert len(events) % GROUP == 0
                assert len(events) >= seen
                seen = len(events)
        assert check(url) == ()
        child.group()
    assert seen > 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_an_append_is_synced_to_the_disk_before_it_returns(sqlite_url: str, tmp_path: Path) -> None:
    """The order of the system calls is observed: write to the log, sync the log, and only then say so."""
    trace = tmp_path / "trace"
    program = (
        "import sys, os; from reconciler.state import open_state; from tests.state.child import group\n"
        "ledger = open_state(sys.argv[1], writer=True)\n"
        "for number in range(3):\n"
        "    os.write(1, b'begin'); ledger.append(group(number)); os.write(1, b'durable')\n"
        "ledger.close()"
    )
    traced = ["strace", "-f", "-y", "-o", str(trace), "-e", "trace=write,pwrite64,fsync,fdatasync"]
    done = subprocess.run(
        [*traced, sys.executable, "-c", program, sqlite_url], capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip("tracing is not permitted here")
    appends = re.findall(r'"begin"(.*?)"durable"', trace.read_text(errors="replace"), re.DOTALL)

    assert len(appends) == 3
    for calls in appends:
        log = re.findall(r"(pwrite64|fdatasync|fsync)\(\d+<[^>]*state\.db-wal>", calls)
        assert "pwrite64" in log
        assert log[-1] in ("fdatasync", "fsync")
