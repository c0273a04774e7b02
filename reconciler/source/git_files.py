"""A repository's own files, read without starting git: where its parts lie, and what its refs name.

GitPython can read refs too, but only once it is imported (a quarter of a second, and a process), and not in
repositories whose object ids are SHA-256.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.errors import NoCommitError, SourceError
from reconciler.phrases import did_you_mean
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADS = "refs/heads/"
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HEAD = re.compile(rb"ref:\s*refs/|[0-9a-f]{40}")
_MOST_LINKS = 40  # that the kernel follows on one way
_MOST_SYMBOLIC_REFS = 5  # that git itself follows
_LONGEST_POINTER = 64 * 1024  # bytes of a `.git` file that are looked at
_LONGEST_REF = 4096  # bytes of a ref file that are looked at
_SHOWN_BRANCHES = 8
_NOT_IN_A_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[./]|[./]$|\.lock(?:/|$)|^@?$")


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
    for _ in range(_MOST_LINKS):
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


# --- refs: asking for the newest commit starts no process -----------------------------------------------


def is_object_id(text: str) -> bool:
    """Whether `text` is a whole object id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits."""
    return _OBJECT_ID.fullmatch(text) is not None


def branch_ref(branch: str) -> str:
    """The full name of a branch's ref.

    Raises:
        SourceError: git would not accept the name (the rules of git-check-ref-format).
    """
    name = branch.removeprefix(_HEADS)
    if _NOT_IN_A_NAME.search(name):
        raise SourceError(
            f"branch '{printable(branch)}': not a name that a branch can have; correct source.branch"
        )
    return _HEADS + name


def symbolic_target(layout: Layout) -> str | None:
    """The ref that HEAD names, or None when it is detached. Raises SourceError."""
    content = _read(layout.git_dir / "HEAD")
    return content[4:].strip() if content is not None and content.startswith("ref:") else None


def read_ref(layout: Layout, name: str) -> str | None:
    """The object id that the ref `name` (or `HEAD`) holds, symbolic refs followed; None when there is none.

    Raises:
        SourceError: its file cannot be read or is damaged.
    """
    for _ in range(_MOST_SYMBOLIC_REFS):
        folder = layout.git_dir if name == "HEAD" else layout.common_dir
        content = _read(folder / name)
        if content is None:
            return dict(_packed(layout)).get(name)
        if is_object_id(content):
            return content
        target = content.removeprefix("ref:").strip()
        if target == content or not target.startswith("refs/") or _NOT_IN_A_NAME.search(target):
            break
        name = target
    raise SourceError(
        f"{folder / name}: is damaged, it holds no commit id; run `git fsck`, or clone the repository anew"
    )


def reftable_names(layout: Layout) -> tuple[bytes, ...]:
    """The list of tables of a repository with a reftable; another one whenever any ref moved.

    Of a linked work tree two: its own, which holds HEAD, and the common one.
    """
    lists = []
    for folder in dict.fromkeys((layout.git_dir, layout.common_dir)):
        try:
            lists.append((folder / "reftable" / "tables.list").read_bytes())
        except OSError:
            lists.append(b"")
    return tuple(lists)


def branches(layout: Layout) -> list[str]:
    """The names of all local branches, sorted."""
    names = {name.removeprefix(_HEADS) for name, _ in _packed(layout) if name.startswith(_HEADS)}
    root = layout.common_dir / "refs" / "heads"
    for folder, _, files in os.walk(root):
        prefix = os.path.relpath(folder, root)
        names |= {os.path.normpath(f"{prefix}/{file}") for file in files if not file.endswith(".lock")}
    return sorted(names)


def missing_branch(where: str, branch: str, names: list[str]) -> SourceError:
    """The error for a branch that does not exist, naming those that do."""
    if not names:
        return NoCommitError(
            f"{where}: the repository has no commit yet; "
            "commit a manifest (`reconciler init` writes a first one), then try again"
        )
    hint = did_you_mean(branch, names) or ";"
    shown = ", ".join(printable(name) for name in names[:_SHOWN_BRANCHES])
    more = f" and {len(names) - _SHOWN_BRANCHES} more" if len(names) > _SHOWN_BRANCHES else ""
    return SourceError(
        f"{where}: no branch '{printable(branch)}'{hint} there are: {shown}{more}; correct source.branch"
    )


def _packed(layout: Layout) -> Iterator[tuple[str, str]]:
    """Name and object id of every ref in `packed-refs`."""
    try:
        with (layout.common_dir / "packed-refs").open("rb") as stream:
            for line in stream:
                object_id, _, name = os.fsdecode(line.rstrip(b"\n")).partition(" ")
                if is_object_id(object_id):
                    yield name, object_id
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(layout.common_dir / "packed-refs", error) from error


def _read(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return os.fsdecode(stream.read(_LONGEST_REF)).strip()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: OSError) -> SourceError:
    return SourceError(f"{file}: cannot be read: {error.strerror}; check its permissions")
