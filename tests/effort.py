"""How much the suite tries: as long as a person waits, or all of it with `THOROUGH=1` (`make thorough`)."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("THOROUGH"))


def examples(number: int) -> int:
    """How many examples a property is tried on: all of them, or every third in the usual run."""
    return number if THOROUGH else -(-number // 3)
