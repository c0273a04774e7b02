"""Where a local repository keeps its parts, found the way git finds them, without starting git."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from reconciler.errors import SourceError

_HEAD = re.compile(rb"ref:\s*refs/|[0-9a-f]{40}")
_LONGEST_CHAIN = 40  # links that the kernel follows on one way
_LONGEST_POINTER = 64 * 1024  # bytes of a `.git` file that are looked at


class Layout(NamedTuple):
    """The folders of one repository; all absolute.

    Attributes:
        git_dir: holds HEAD and the index.
        common_dir: holds refs and objects; differs from `git_dir` in a linked work tree.
        top: the work tree's root, or None for a bare repository.
    """

    git_dir: Path
    common_dir: Path
    top: Path | None

    @property
    def folder(self) -> Path:
        """Where git runs: the work tree's root, or the bare repository itself."""
        return self.top or self.git_dir

    @property
    def kept_dir(self) -> Path:
        """Where this program keeps what it can make again, beside git's own files; it may not be there."""
        return self.common_dir / "reconciler"

    @property
    def is_shallow(self) -> bool:
        """Whether history was cut off when this was cloned."""
        return (self.common_dir / "shallow").is_file()

    def shallow(self) -> frozenset[str]:
        """The commits whose parents were cut off; none where all history is there."""
        try:
            return frozenset((self.common_dir / "shallow").read_text("ascii", "replace").split())
        except OSError:
            return frozenset()

    @property
    def has_reftable(self) -> bool:
        """Whether refs are kept in git's binary table instead of files."""
        return (self.common_dir / "reftable").is_dir()


def bare_layout(folder: Path) -> Layout:
    """The layout of a bare repository at `folder`, whether or not it exists yet."""
    return Layout(folder, folder, None)


def is_git_dir(folder: Path) -> bool:
    """Whether `folder` is what git would take for a repository: HEAD, objects and refs."""
    try:
        common = _common_dir(folder)
        return (
            _HEAD.match(_beginning(folder / "HEAD")) is not None
            and (common / "objects").is_dir()
            and (common / "refs").is_dir()
        )
    except OSError:
        return False


def discover(start: Path, setting: str = "") -> Layout:
    """The repository that `start`, an absolute folder, is or lies in; `setting` says what named it.

    Raises:
        SourceError: nothing there, not a folder, not a repository, or one that is damaged.
    """
    named = f"{start} ({setting})" if setting else str(start)
    _require_folder(start, named)
    start = start.resolve()
    for folder in (start, *start.parents):
        dot_git = folder / ".git"
        if os.path.lexists(dot_git):
            git_dir = _pointed_at(dot_git) if dot_git.is_file() else dot_git
            if not is_git_dir(git_dir):
                raise _damaged(git_dir)
            return Layout(git_dir, _common_dir(git_dir), folder)
        if is_git_dir(folder):
            return Layout(folder, _common_dir(folder), None)
    raise SourceError(
        f"{named}: not a git repository, and in none; run `git init` there, or set source.repo to one"
    )


def link_folders(start: Path) -> list[Path]:
    """The folders that hold the symbolic links on the way to `start`: each may be made to lead elsewhere."""
    folders: list[Path] = []
    for _ in range(_LONGEST_CHAIN):
        link = next((part for part in (*reversed(start.parents), start) if part.is_symlink()), None)
        if link is None:
            break
        folders.append(link.parent)
        start = Path(os.path.normpath(link.parent / link.readlink())) / start.relative_to(link)
    return folders


def nearest_folder(start: Path) -> Path:
    """`start`, or the deepest folder above it that exists."""
    return next((folder for folder in (start, *start.parents) if folder.is_dir()), Path("/"))


def _require_folder(start: Path, named: str) -> None:
    try:
        if not start.exists():
            raise SourceError(f"{named}: no such folder; set source.repo to a git repository or a URL")
        if not start.is_dir():
            raise SourceError(f"{named}: is a file; set source.repo to the folder of a git repository")
        os.listdir(start)  # noqa: PTH208 - asks for permission only
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"{named}: cannot be opened: {reason}; check its permissions") from error


def _damaged(git_dir: Path) -> SourceError:
    try:
        _beginning(git_dir / "HEAD")
        what = "HEAD, objects or refs are damaged or missing"
    except PermissionError:
        return SourceError(
            f"{git_dir}: HEAD cannot be read: permission denied; run as its owner, or grant access"
        )
    except OSError as error:
        what = f"HEAD cannot be read: {error.strerror}"
    return SourceError(f"{git_dir}: not a usable git repository ({what}); run `git fsck`, or clone it anew")


def _pointed_at(dot_git: Path) -> Path:
    """The folder that a `.git` file (of a linked work tree or a submodule) names."""
    try:
        content = _beginning(dot_git)
    except OSError as error:
        raise SourceError(f"{dot_git}: cannot be read: {error.strerror}; check its permissions") from error
    if not content.startswith(b"gitdir: "):
        raise SourceError(f"{dot_git}: is neither a git folder nor names one; clone the repository anew")
    return (dot_git.parent / os.fsdecode(content[8:].rstrip(b"\r\n"))).resolve()


def _common_dir(git_dir: Path) -> Path:
    try:
        content = _beginning(git_dir / "commondir")
    except (FileNotFoundError, NotADirectoryError):
        return git_dir
    return (git_dir / os.fsdecode(content.rstrip(b"\r\n"))).resolve()


def _beginning(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_LONGEST_POINTER)
