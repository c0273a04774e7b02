"""Reads `git diff-tree --raw -z` between two commits: which entries differ, and which are gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.source.text import bounded, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.budgets import Budgets

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
_MOST = 20_000  # entries: to look at everything costs less than to ask an index about each of so many
_FIELDS = 2  # of an entry


def entries(pieces: Iterable[bytes], budgets: Budgets) -> dict[str, bool] | None:
    """Every path that differs, and whether it is there afterwards; None where one is named twice.

    Raises:
        BudgetError: very many differ.
    """
    read = bounded(pieces, budgets.listed_bytes, "very many files differ", fields=_FIELDS * _MOST)
    pairs = _ENTRY.findall(path_of(b"".join(read)))
    by_path = {path: mode != _NO_MODE for mode, path in pairs}
    return by_path if len(by_path) == len(pairs) else None
