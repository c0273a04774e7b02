"""The folder of a mirror as files: made, recognised, locked, and freed of what a killed git left."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.source.layout import is_git_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ABANDONED = 3600.0  # seconds after which an unfinished mirror belongs to no living process
_STALE = 60.0  # seconds after which a file that nobody can be writing any more is one that was left
_LOOK_AGAIN = 0.05  # seconds between two looks whether another process has finished
_HALVES = ("objects/pack/tmp_*", "objects/??/tmp_obj_*")
_LOCKS = ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock")


@contextmanager
def locked(folder: Path, patience: float) -> Iterator[bool]:
    """Whether this process alone writes to the folder: False when another went on for `patience` seconds.

    The lock is the kernel's and dies with its holder. On a file system without locks nobody is kept away, and
    git's own have to do.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield _wait_for(descriptor, time.monotonic() + patience)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_AGAIN)
        except OSError:
            return True
        else:
            return True


def discard_leftovers(git_dir: Path) -> None:
    """Removes the locks of a killed git, and halves of packs of one whose disk was full.

    To be called by whoever is alone.
    """
    for pattern in (*_LOCKS, *_HALVES):
        for leftover in git_dir.glob(pattern):
            with suppress(OSError):
                if time.time() - leftover.stat().st_mtime > _STALE:
                    leftover.unlink()


def remove(leftover: Path) -> None:
    """Removes a file or a whole folder, if it is there."""
    if leftover.is_file():
        leftover.unlink()
    shutil.rmtree(leftover, ignore_errors=True)


def discard_abandoned(folder: Path, pattern: str) -> None:
    """Removes what a killed process left of a mirror it was making; to be called by whoever is alone."""
    for leftover in folder.glob(pattern):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                remove(leftover)


def make_bare(folder: Path, *, head: str, sha256: bool) -> None:
    """An empty bare repository without hooks: what `git init` makes, whatever templates and defaults say."""
    for name in ("objects", "refs"):
        (folder / name).mkdir()
    (folder / "config").write_text(_config(sha256=sha256), encoding="ascii")
    (folder / "HEAD").write_bytes(b"ref: " + os.fsencode(head) + b"\n")


def _config(*, sha256: bool) -> str:
    version, extension = (1, "[extensions]\n\tobjectFormat = sha256\n") if sha256 else (0, "")
    return f"[core]\n\trepositoryFormatVersion = {version}\n\tbare = true\n{extension}"


def is_whole(folder: Path, *, sha256: bool | None = None) -> bool:
    """Whether a mirror is there as it was made; what is in its objects and refs is for git to say.

    With `sha256`, whether its object ids are of that kind, too.
    """
    try:
        config = (folder / "config").read_text("ascii", "replace")
    except OSError:
        return False
    kinds = (False, True) if sha256 is None else (sha256,)
    return config in [_config(sha256=kind) for kind in kinds] and is_git_dir(folder)


def time_of(file: Path) -> float:
    """When it was written, in seconds since the epoch; 0 when it is not there."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def number_in(file: Path) -> int:
    """The number a file holds; 0 when it holds none."""
    try:
        return int(file.read_text("ascii", "replace"))
    except (OSError, ValueError):
        return 0
