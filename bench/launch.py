"""Runs one command and writes what it took: `python -I -S launch.py RESULT COMMAND…`.

A process of its own, because Linux counts a child's peak memory from that of the process which started it:
this one stays small.
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    """Writes seconds, processor seconds, peak KiB of the largest process, and exit code."""
    result, *command = sys.argv[1:]
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    facts = (seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
    with open(result, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded here
        file.write(" ".join(map(str, facts)))


main()
