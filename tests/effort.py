"""How much the suite tries: as long as a person waits, or all of it with `THOROUGH=1` (`make thorough`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

_Case = TypeVar("_Case")
THOROUGH = bool(os.environ.get("THOROUGH"))


def examples(number: int) -> int:
    """How many examples a property is tried on: all, or in the usual run a sixth, and five at least."""
    return number if THOROUGH else max(-(-number // 6), min(number, 5))


def cases(all_of_them: Sequence[_Case]) -> Sequence[_Case]:
    """Which of many cases of one kind are tried: all of them, or in the usual run every third."""
    return all_of_them if THOROUGH else all_of_them[::3]
