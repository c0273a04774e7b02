"""Reads `git diff-tree --raw -z` between two commits: which entries differ, and what they are afterwards."""

from __future__ import annotations

import re
from sys import intern
from typing import NamedTuple

from reconciler.source.text import path_of

ARGUMENTS = (
    "diff-tree",
    "-r",
    "-z",
    "--raw",
    "--no-abbrev",
    "--no-renames",
    "--no-relative",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
)
_ENTRY = re.compile(r":\d{6} (\d{6}) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*\0([^\0]+)\0")
_NO_MODE = "000000"
_SUBMODULE = "160000"


class Entry(NamedTuple):
    """One tree entry as it is afterwards: git's octal mode, and the object id."""

    mode: str
    blob: str

    @property
    def has_content(self) -> bool:
        """Whether its bytes are in this repository: those of a submodule are not."""
        return self.mode != _SUBMODULE


def entries(printed: bytes) -> dict[str, Entry | None]:
    """Every path that differs, with its entry afterwards, or None where it is gone."""
    return {
        path: None if mode == _NO_MODE else Entry(intern(mode), blob)
        for mode, blob, path in _ENTRY.findall(path_of(printed))
    }
