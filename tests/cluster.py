"""A new PostgreSQL cluster: what initdb makes is made once in a run of the suite, and copied."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = "SUITE_FOLDER"
"""The variable that names the folder which all workers of a run share; without it, nothing is shared."""
_INITDB = ("initdb", "-U", "reconciler", "-A", "trust", "--no-sync", "-E", "UTF8", "--no-locale")


_UNTIL_CLOSED = '"$@" </dev/null & read -r _; kill -KILL $!; wait'
"""Waits until its standard input is closed, and kills what it has started."""


def start_pooler(program: str, home: Path, user: str | None) -> subprocess.Popen[bytes]:
    """PgBouncer by the settings in a folder; `communicate()` or the end of this process kills it."""
    command = ["/bin/sh", "-c", _UNTIL_CLOSED, "sh", program, "-q", str(home / "pgbouncer.ini")]
    return subprocess.Popen(command, user=user, cwd=home, stdin=subprocess.PIPE, start_new_session=True)


def fill(data: Path, run: Callable[..., None]) -> None:
    """Makes the folder of a new cluster, which does not exist yet.

    Args:
        data: the folder.
        run: runs a program of PostgreSQL's on that folder, as its user, by name and arguments.

    Raises:
        subprocess.CalledProcessError: it could not be made.
    """
    shared = os.environ.get(SHARED)
    if shared is None:
        run(*_INITDB)
        return
    template = Path(shared) / "cluster"
    with (Path(shared) / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # whoever comes second copies what is whole
        if not template.exists():
            run(*_INITDB)
            begun = template.with_suffix(".part")
            _copy(data, begun)
            begun.rename(template)
            return
    _copy(template, data)


def _copy(whole: Path, to: Path) -> None:
    """With its owner, who is not the one that copies."""
    subprocess.run(["cp", "-a", str(whole), str(to)], check=True)
