"""Files and directories for their owner only: everything that this program writes.

The umask keeps others out of whatever any library or program of ours makes. It is the directory that decides
instead where it has a default access list, so databases are made with their mode by `make_file`.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_ABANDONED = 3600.0  # seconds; no file takes so long to be made


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever this process and its children make meanwhile is for its user only."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def make_directory(directory: Path) -> list[Path]:
    """Makes a directory and its parents, mode 0700, and gives those that were missing, outermost first.

    Raises:
        OSError: one cannot be made, or something else has its name.
    """
    missing = [place for place in (directory, *directory.parents) if not place.exists()][::-1]
    for place in missing:
        place.mkdir(mode=0o700, exist_ok=True)
    if not directory.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(directory))
    return missing


def make_file(file: Path) -> None:
    """Makes an empty file, mode 0600, unless something of that name is there. Raises OSError."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def read_own(file: Path) -> bytes:
    """The bytes of a regular file of this user. Raises OSError, also for a link; a pipe is not waited for."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(file))
        with open(descriptor, "rb", closefd=False) as opened:
            return opened.read()
    finally:
        os.close(descriptor)


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Gives the path of a temporary file, which replaces `file` when the block ends, all at once.

    For what can be made anew: it is not synced, and is dropped where it cannot be renamed. What a killed
    process left here is removed by a later one.

    Raises:
        OSError: the directory cannot be made or read.
    """
    make_directory(file.parent)
    for other in file.parent.glob(f"{file.name}.[0-9]*"):
        with suppress(OSError):
            if time.time() - other.lstat().st_mtime > _ABANDONED:
                other.unlink()
    new = file.with_name(f"{file.name}.{os.getpid()}")
    new.unlink(missing_ok=True)  # of a killed process that had the same id
    try:
        yield new
        with suppress(OSError):
            new.replace(file)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def close_to_others(*files: Path) -> None:
    """Takes from others what an earlier version let them do with these files, as far as they are ours.

    None is opened: closing a database's file would drop the locks that this process has on it.
    """
    for file in files:
        with suppress(OSError):
            facts = file.stat()
            if facts.st_mode & _OTHERS and facts.st_uid == os.geteuid():
                file.chmod(stat.S_IMODE(facts.st_mode) & ~_OTHERS)
