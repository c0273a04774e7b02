"""The one writer of a state file: a lock the kernel drops when its process dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from typing import TYPE_CHECKING

from reconciler.errors import StateLockedError
from reconciler.printable import printable

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_LONGEST_NOTE = 4096


class FileLock:
    """An exclusive `flock` on a file of its own beside the state.

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
            self._write(
                {"pid": os.getpid(), "host": socket.gethostname(), "since": now.isoformat(timespec="seconds")}
            )
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
