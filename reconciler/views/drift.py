"""A difference between git and the registry, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.printable import printable

if TYPE_CHECKING:
    from reconciler.engine.values import Difference

_WIDEST = 120


def worded(difference: Difference) -> str:
    """One clean line, such as `description: 'new' in git, 'old' in the registry`; long values are cut."""
    declared, registered = _word(difference.declared), _word(difference.registered)
    return printable(f"{difference.field}: {declared} in git, {registered} in the registry")


def _word(value: object) -> str:
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    short = text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
    return f"'{short}'" if isinstance(value, str) else short
