"""What the tests start themselves: a PostgreSQL server ends with the process that started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.postgres import programs
from tests.daemon.waiting import until

ROOT = Path(__file__).parents[2]
STARTS = """
import sys
from bench.postgres import new_home, programs
from tests import cluster
with new_home(programs()) as run:
    cluster.fill(run.home / "data", run)
    run("pg_ctl", "-w", "-l", str(run.home / "log"), "-o", f"-k {run.home} -c listen_addresses=''", "start")
    print(run.home, (run.home / "data" / "postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL])
def test_a_server_ends_with_the_process_that_started_it(how: signal.Signals | None) -> None:
    """By itself, or killed; with its folder."""
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        home, server = process.stdout.readline().split()
        assert _is_running(int(server))
        if how is not None:
            process.send_signal(how)
        process.communicate(timeout=60)
    asyncio.run(until(lambda: not _is_running(int(server)) and not Path(home).exists()))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
