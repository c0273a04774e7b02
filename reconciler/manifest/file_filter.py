"""Which files are manifests, told by their names, and which of them are refused before a byte is read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from reconciler.budgets import DEFAULTS, shortened
from reconciler.manifest.text import LARGEST_FILE, UNSAFE_IN_PATH, is_safe, too_large
from reconciler.manifest.values import InvalidManifest, Reason

_TWICE = (
    "the commit's tree names this path twice, or in a way that no checkout could have it, so that it is not "
    "certain which file is meant; make the commit anew with git itself"
)
_LONG = "its path has {:,} characters, and {:,} are read: shorten it, or raise limits.path"
_UNSAFE = "its name is not UTF-8, or has control characters or characters that nobody can see; rename it"

SUFFIXES = (".yaml", ".yml", ".json")

_LINKS = {
    "120000": "a symbolic link is never followed; put the file itself here",
    "160000": "a submodule is never followed; put the manifests themselves here",
}


_AMBIGUOUS = "ambiguous"


class TreeEntry(Protocol):
    """What git says about a file without reading it."""

    @property
    def path(self) -> str:
        """The path inside the repository; bytes that are not UTF-8 are surrogate-escaped."""

    @property
    def mode(self) -> str:
        """Git's octal mode, or `ambiguous`."""

    @property
    def size(self) -> int:
        """The size in bytes."""


def is_manifest(path: str, root: str) -> bool:
    """Whether the file at `path` is a manifest of the directory `root`, both paths inside the repository.

    A manifest ends with `.yaml`, `.yml` or `.json`, in any case, and no part of its path below `root` begins
    with `.` or `_`. The root `""` or `.` is the whole repository.
    """
    return path.lower().endswith(SUFFIXES) and _is_considered(path, root)


def refuse(file: TreeEntry, root: str, longest: int = DEFAULTS.path) -> InvalidManifest | None:
    """Why a file below `root` is not read, or None when it may be, or does not matter.

    A link or submodule is refused whatever its name, because what it leads to may be a directory of
    manifests. A path that is not UTF-8 or holds control characters is escaped in the reason, and one of more
    than `longest` characters is shortened there.
    """
    if file.mode in _LINKS and _is_considered(file.path, root):
        return _refused(file.path, "link", _LINKS[file.mode], longest)
    if not is_manifest(file.path, root):
        return None
    why = _objection(file, longest)
    return None if why is None else _refused(file.path, *why, longest)


def _objection(file: TreeEntry, longest: int) -> tuple[str, str] | None:
    """The code and the words of what is wrong with a manifest before it is read."""
    if len(file.path) > longest:
        return "path-too-long", _LONG.format(len(file.path), longest)
    if file.mode == _AMBIGUOUS:
        return "ambiguous-path", _TWICE
    if not is_safe(file.path):
        return "unsafe-path", _UNSAFE
    if file.size > LARGEST_FILE:
        return "file-too-large", too_large(file.size)
    return None


def _is_considered(path: str, root: str) -> bool:
    folder, within = _folder(root)
    if path == folder:
        return True
    if not path.startswith(within):
        return False
    below = path[len(within) :].lstrip("/")
    return not below.startswith((".", "_")) and "/." not in below and "/_" not in below


@lru_cache
def _folder(root: str) -> tuple[str, str]:
    """The folder of a root, and how a path inside of it begins."""
    folder = "" if root in ("", ".") else root.rstrip("/")
    return folder, f"{folder}/" if folder else ""


def _refused(path: str, code: str, message: str, longest: int) -> InvalidManifest:
    safe = re.sub(UNSAFE_IN_PATH, lambda match: _escaped(match[0]), shortened(path, longest))
    return InvalidManifest(path, 1, (Reason(code, message, safe),))


def _escaped(char: str) -> str:
    byte = ord(char) - 0xDC00 if "\udc80" <= char <= "\udcff" else ord(char)
    if byte < 0x100:  # noqa: PLR2004 - what two digits can say
        return f"\\x{byte:02x}"
    return f"\\u{byte:04x}" if byte < 0x10000 else f"\\U{byte:08x}"  # noqa: PLR2004 - and what four can
