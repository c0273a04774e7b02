"""Reads `git diff-tree --raw -z` between two commits: which entries differ, and which are gone."""

from __future__ import annotations

import re

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
_ENTRY = re.compile(r":\d{6} (\d{6}) [0-9a-f]+ [0-9a-f]+ [A-Z]\d*\0([^\0]+)\0")
_NO_MODE = "000000"


def entries(printed: bytes) -> dict[str, bool] | None:
    """Every path that differs, and whether it is there afterwards; None where one is named twice."""
    told = _ENTRY.findall(path_of(printed))
    found = {path: mode != _NO_MODE for mode, path in told}
    return found if len(found) == len(told) else None
