"""A state's file as SQLite opens it, and the lock of its one writer."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.errors import StateLockedError
from reconciler.printable import printable
from reconciler.times import shown_time

if TYPE_CHECKING:
    from datetime import datetime
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


_LONGEST_NOTE = 4096


class FileLock:
    """An exclusive `flock` on a file of its own beside the state, which the kernel drops with its process.

    The file stays when the lock goes: removing it would let two processes lock two files of one name. What is
    written in it only tells the next process who holds the lock; it locks nothing by itself.
    """

    def __init__(self, path: Path, *, now: datetime) -> None:
        """Takes the lock at once or not at all.

        Raises:
            StateLockedError: another process has it; the message says which.
            OSError: the lock file cannot be made or locked.
        """
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._lock()
            self._write({"pid": os.getpid(), "host": os.uname().nodename, "since": shown_time(now)})
        except BaseException:
            os.close(self._descriptor)
            raise

    def held(self) -> bool:
        """Whether the lock file is still the one that was locked: it may have been deleted meanwhile."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Lets the next writer in."""
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            writer = f"{self._holder()} (lock file {printable(str(self._path))})"
            raise StateLockedError.of(writer) from None

    def _write(self, note: dict[str, object]) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(note).encode(), 0)

    def _holder(self) -> str:
        try:
            note = json.loads(os.pread(self._descriptor, _LONGEST_NOTE, 0))
            return printable(f"process {int(note['pid'])} on {note['host']} since {note['since']}")
        except (ValueError, KeyError, TypeError):
            return "another process"
