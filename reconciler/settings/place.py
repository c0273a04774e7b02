"""Where a value of the configuration comes from: a variable of the environment, or a line of the file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.redaction import shown_key
from reconciler.settings.raw import PREFIX
from reconciler.toml_lines import key_lines, placed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.toml_lines import KeyPath

_LONGEST = 80
"""Characters of a name that are repeated."""


@dataclass(frozen=True)
class Places:
    """Names the origin of a key; the file is read again only when it is asked about.

    Attributes:
        file: the configuration file, or None where there is none.
    """

    file: Path | None

    def of(self, keys: Sequence[str | int]) -> str:
        """`environment NAME`, `FILE:LINE`, or `configuration` where neither says anything."""
        if variable := variable_of([str(key) for key in keys]):
            return f"environment {short(variable)}"
        if self.file is None:
            return "configuration"
        return placed(self.file, self._lines, keys)

    @cached_property
    def _lines(self) -> dict[KeyPath, int]:
        return key_lines(self.file) if self.file else {}


def variable_of(keys: Sequence[str]) -> str | None:
    """The variable that says what is at these keys, or is for a table around them, or for a key below."""
    for count in range(len(keys), 0, -1):
        variable = PREFIX + "__".join(keys[:count]).upper()
        for name in os.environ:
            if name.upper() == variable or (count == len(keys) and name.upper().startswith(f"{variable}__")):
                return name
    return None


def short(key: str) -> str:
    """A key or the name of a variable, as far as a person wants to read it."""
    key = shown_key(key)
    return key if len(key) <= _LONGEST else f"{key[: _LONGEST - 1]}…"
