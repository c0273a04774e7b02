"""A state's file as SQLite opens it."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from pathlib import Path

_BUSY_SECONDS = 5.0


def open_file(path: Path, *, only_read: bool = False) -> sqlite3.Connection:
    """Opens an existing file; never makes one."""
    name = f"file:{quote(os.fsencode(path))}?mode=rw"
    connection = sqlite3.connect(
        name, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    # an intent has to outlive a power cut from the moment its call is sent: NORMAL may lose what is newest
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA query_only = {int(only_read)}")
    return connection


def is_whole(path: Path, connection: sqlite3.Connection) -> bool:
    """Whether a file kept its end; SQLite would read what is lost as zeros.

    While there is a write-ahead log, the file may well be shorter than the database.
    """
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        return True
    ((pages,), (size,)) = (connection.execute(f"PRAGMA page_{fact}").fetchone() for fact in ("count", "size"))
    return bool(path.stat().st_size == pages * size)
