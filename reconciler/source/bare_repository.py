"""Bare repositories of this program's own, mirrors and notes.

As files they are made, recognised, locked, and freed of what a killed git left; those that hold notes are
also packed, and replaced where they are damaged.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import BudgetError, SourceError
from reconciler.private import make_directory
from reconciler.source.commands import Commands, GitError
from reconciler.source.errors import is_damage
from reconciler.source.git_files import is_git_dir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ABANDONED = 3600.0  # seconds after which an unfinished mirror belongs to no living process
_STALE = 60.0  # seconds after which a file that nobody can be writing any more is one that was left
_LOOK_AGAIN = 0.05  # seconds between two looks whether another process has finished
_HALVES = ("objects/pack/tmp_*", "objects/??/tmp_obj_*")
_LOCKS = ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock")


@contextmanager
def locked(folder: Path, timeout: float) -> Iterator[bool]:
    """Whether this process alone writes to the folder: False when another went on for `timeout` seconds.

    The kernel releases the lock when its holder ends. On a file system without locks it keeps no process out,
    and git's own locks have to be enough.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield _wait_for(descriptor, time.monotonic() + timeout)
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

    Call it only while no other process writes here (see `locked`).
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
    """Removes what a killed process left of a mirror it was making; call it only while this is `locked`."""
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


# --- of notes --------------------------------------------------------------------------------------------

_GC = ("gc", "--auto", "--quiet")
_FSCK = ("fsck", "--no-dangling", "--no-progress")
_REFUSED = re.compile(r"^ ! \[", re.MULTILINE)  # by the other side of a push
_OF_THEM = re.compile(r"^remote: .*$", re.MULTILINE)  # how far it is, and what fails there


@dataclass(frozen=True, slots=True)
class NotesRepository:
    """One repository that holds notes alone, which nobody but this program writes.

    It is a copy of what the journal and a remote hold: one that is damaged is moved aside and begun anew.

    Attributes:
        folder: the repository's.
        commands: git there, configured to pack when that is due, and with time enough to pack all of it.
        sha256: whether its object ids are SHA-256.
    """

    folder: Path
    commands: Commands
    sha256: bool

    def prepare(self) -> str | None:
        """Makes the repository where there is none; says where one was moved that is none any more.

        The locks of a git that was killed are removed: no later write would ever take place.

        Raises:
            SourceError: it cannot be made.
        """
        moved = None if is_whole(self.folder, sha256=self.sha256) else self.begin_anew()
        discard_leftovers(self.folder)
        return moved

    def pack(self) -> None:
        """Packs what lies loose, if that is more than a thousand objects; and all packs, if they are many.

        git says whether that is due, and a lock of its own keeps two from doing it.

        Raises:
            SourceError: git failed, or took too long; nothing is lost by that.
        """
        self.commands.run(*_GC)

    def replace_damaged(self, error: SourceError) -> str | None:
        """Begins anew if git failed for what lies here; says where the damaged one was moved.

        Whether it is damaged, `git fsck` says. None when it is sound, or git failed for another reason.

        Raises:
            SourceError: a new one cannot be made.
        """
        if not _may_be_damage(error) or self._is_sound():
            return None
        return self.begin_anew()

    def begin_anew(self) -> str | None:
        """Puts an empty repository in its place; says where the old one was moved, if there was one.

        One that was moved before is removed.

        Raises:
            SourceError: a new one cannot be made.
        """
        aside, new = (self.folder.with_name(f"{self.folder.name}.{word}") for word in ("damaged", "new"))
        try:
            remove(new)  # of one that was killed here
            make_directory(new)
            make_bare(new, head="refs/heads/none", sha256=self.sha256)
            is_there = self.folder.exists()
            if is_there:
                remove(aside)  # once nothing can fail any more: it may be the only copy of something
                self.folder.rename(aside)
            new.rename(self.folder)
        except OSError as error:
            advice = "make room, or set state.dir to another folder"
            raise SourceError(f"{self.folder}: cannot be made: {error.strerror}; {advice}") from error
        return str(aside) if is_there else None

    def _is_sound(self) -> bool:
        if not is_whole(self.folder, sha256=self.sha256):
            return False
        try:
            self.commands.run(*_FSCK)
        except (BudgetError, GitError):
            return False
        except SourceError:  # it takes too long, which says nothing
            return True
        return True

    def close(self) -> None:
        """Ends what still runs; safe to call twice."""
        self.commands.close()


def _may_be_damage(error: SourceError) -> bool:
    """Whether git may have failed for what lies here, and not for the way to a remote or its answer."""
    if isinstance(error, BudgetError):  # git broke down
        return True
    if not isinstance(error, GitError) or _REFUSED.search(error.stderr):
        return False
    return is_damage(_OF_THEM.sub("", error.stderr))
