"""Waiting for what a test expects, and no longer."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(happened: Callable[[], object], seconds: float = 40.0) -> float:
    """Waits until `happened()` is true; gives the seconds it took.

    Raises:
        AssertionError: it did not happen in time.
    """
    begun = time.monotonic()
    while not happened():
        assert time.monotonic() < begun + seconds, "it did not happen in time"
        await asyncio.sleep(0.005)
    return time.monotonic() - begun
