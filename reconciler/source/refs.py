"""Reads refs straight from a repository's files, so that asking for the newest commit starts no process.

GitPython can do this too, but only once it is imported (a quarter of a second, and a process), and not in
repositories whose object ids are SHA-256.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from reconciler.errors import NoCommitError, SourceError
from reconciler.phrases import did_you_mean
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.source.layout import Layout

_HEADS = "refs/heads/"
_OBJECT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_LONGEST_CHAIN = 5  # symbolic refs that git itself follows
_LONGEST_REF = 4096  # bytes of a ref file that are looked at
_SHOWN_BRANCHES = 8
_NOT_IN_A_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^[./]|[./]$|\.lock(?:/|$)|^@?$")


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
    for _ in range(_LONGEST_CHAIN):
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
