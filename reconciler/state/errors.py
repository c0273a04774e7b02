"""Errors of a database or the disk as messages for a person: where, what, and what to do."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.errors import StateError
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.exc import DBAPIError

MOVE_AWAY = (
    "Restore a backup, or move it away: the next cycle learns from the registry what is registered, and only "
    "history and back-off are lost."
)
"""What to do about a state that cannot be read."""

UNREADABLE = f"is damaged or is not a state of this program; nothing was changed. {MOVE_AWAY}"
"""What to say of such a state, after its name."""

_FULL = (
    "could not be written: the disk or quota is full. Nothing of this step was kept; make room and run again."
)
_READ_ONLY = (
    "cannot be written: it, its directory or its disk is read-only. Grant write access, or change state.url."
)
_FORBIDDEN = "may not be used: permission denied. Run as its owner, grant access, or change state.url."
_UNOPENED = (
    "could not be opened: permission denied, or it went away meanwhile. Run as its owner, grant access, or "
    "change state.url."
)
_FAILING = (
    "could not be read or written: its disk is full, or fails. Nothing of this step was kept; make room, or "
    "check the disk, and run again."
)
_BUSY = "is held by another program, such as a database browser or a backup. Close that and run again."
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

_SQLITE = {
    sqlite3.SQLITE_NOTADB: UNREADABLE,
    sqlite3.SQLITE_CORRUPT: UNREADABLE,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _FORBIDDEN,
    sqlite3.SQLITE_CANTOPEN: _UNOPENED,
    sqlite3.SQLITE_IOERR: _FAILING,
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
}

_POSTGRES = {
    "53100": _FULL,
    "25006": _READ_ONLY,
    "42501": _FORBIDDEN,
    "28": "refused the user or the password. Correct state.url.",
    "3D000": "does not exist on that server. Create it, or correct state.url.",
    "53": "has no room for another connection or is out of memory. Free some and run again.",
    "XX": UNREADABLE,
}

_OS = {
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.ENOTDIR: "cannot be: a part of its path is a file. Change state.url.",
    errno.EISDIR: "is a directory, not a file. Change state.url.",
    errno.ELOOP: "cannot be reached: a symbolic link on its path leads nowhere. Change state.url.",
    errno.ENAMETOOLONG: "cannot be: its name is too long. Change state.url.",
}


class UnreadableState(Exception):  # noqa: N818 - reads as what happened
    """A row does not hold what this program writes; `str()` names the row. Never leaves the room."""


_PASSING = frozenset({"40001", "40P01", "23505"})
"""PostgreSQL's words for a transaction that came at the same time as another: serialization_failure,
deadlock_detected, and unique_violation by a row that its snapshot did not show yet.

https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html
"""


def is_passing(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is begun anew."""
    return getattr(error.orig, "sqlstate", None) in _PASSING


def is_busy(error: Exception) -> bool:
    """Whether another program holds a file, which was waited for."""
    held = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in held  # the rest of the code says how


@contextmanager
def explained(where: object) -> Iterator[None]:
    """Turns every error of the database, its driver or the file system into a StateError about `where`."""
    try:
        yield
    except UnreadableState as error:
        raise StateError(
            f"state {where}: {printable(str(error))} is not what this program writes: it was damaged or "
            f"edited. {MOVE_AWAY}"
        ) from error
    except Exception as error:
        if not isinstance(error, _of_databases()):
            raise
        raise StateError(f"state {where} {_message(error)}") from error


def _of_databases() -> tuple[type[Exception], ...]:
    """What a database, its driver or the file system raises."""
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - a file may be read without

    return SQLAlchemyError, sqlite3.Error, OSError


def _message(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error  # what the driver raised, where it is wrapped
    if isinstance(cause, OSError):
        message = _FULL if cause.errno in _NO_SPACE else _OS.get(cause.errno or 0)
        return (
            message or f"could not be used: {printable(cause.strerror or 'unknown error')}. Change state.url."
        )
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        message = _SQLITE.get(code & 0xFF)
        return message or f"could not be used: {printable(str(cause))}. Check its disk and run again."
    state = getattr(cause, "sqlstate", None) or ""
    # without the statement or its values, which SQLAlchemy puts on the lines after
    first_line = printable((str(cause).splitlines() or [type(cause).__name__])[0].rstrip("."))
    message = _POSTGRES.get(state) or _POSTGRES.get(state[:2])
    return message or f"could not be used: {first_line}. Check the server and state.url, and run again."
