"""What is unusual about a repository on this machine, for `doctor`: sentences, some of them warnings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.source.git_files import Layout

_SILENT_SYSTEMS = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "drvfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"),
    )
)
_SHA256_DIGITS = 64
_MOUNTS = "/proc/self/mountinfo"


class Trait(NamedTuple):
    """One thing that is unusual.

    Attributes:
        fine: whether all works with it as it should.
    """

    fine: bool
    message: str


def traits(start: Path, layout: Layout, commit: str, mounts: str | None = None) -> Iterator[Trait]:
    """Everything that is unusual about where a repository lies and how it is kept.

    `start` is the folder that was named, `mounts` the text of Linux's `mountinfo`; None reads it.
    """
    where = printable(str(layout.common_dir))
    if os.path.realpath(start) != os.path.abspath(start):  # noqa: PTH100 - links are not to be followed
        yield Trait(True, f"{printable(str(start))} leads by a link to {printable(str(layout.folder))}")
    if layout.git_dir != layout.common_dir:
        yield Trait(True, f"a linked work tree of {where}")
    if len(commit) == _SHA256_DIGITS:
        yield Trait(True, "object ids are SHA-256")
    if layout.has_reftable:
        yield Trait(True, "refs are in a reftable: git is asked whenever it is another")
    yield from _borrowed(layout)
    yield from _replaced(layout)
    if next((layout.common_dir / "objects" / "pack").glob("*.promisor"), None) is not None:
        yield Trait(False, "a partial clone: what it lacks is not fetched; set source.repo to its URL")
    system = file_system(layout.common_dir, mounts)
    if system in _SILENT_SYSTEMS or (system.startswith("fuse") and system != "fuseblk"):
        yield Trait(False, f"{where} is on {system}, which announces no changes: the schedule finds them")


def file_system(folder: Path, mounts: str | None = None) -> str:
    """The type of the file system that a folder lies on; empty where that cannot be told."""
    if mounts is None:
        try:
            with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - of the kernel
                mounts = file.read()
        except OSError:
            return ""
    kind, longest = "", -1
    for line in mounts.splitlines():
        mount, _, described = line.partition(" - ")
        fields = mount.split()
        point = fields[4].encode().decode("unicode_escape") if len(fields) > 4 else ""  # noqa: PLR2004 - by position
        if point and folder.is_relative_to(point) and len(point) >= longest:
            kind, longest = described.partition(" ")[0], len(point)
    return kind


def _borrowed(layout: Layout) -> Iterator[Trait]:
    objects = layout.common_dir / "objects"
    try:
        lines = (objects / "info" / "alternates").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        if line and not line.startswith("#"):
            there = (objects / line).is_dir()
            missing = "" if there else ", which is not there: clone it anew"
            yield Trait(there, f"objects are borrowed from {printable(line)}{missing}")


def _replaced(layout: Layout) -> Iterator[Trait]:
    if (layout.common_dir / "info" / "grafts").exists():
        yield Trait(False, "info/grafts counts for nothing here: history is what the commits say")
    if next((layout.common_dir / "refs" / "replace").glob("*"), None) is not None:
        yield Trait(False, "refs/replace counts for nothing here: history is what the commits say")
