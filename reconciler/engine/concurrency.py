"""Doing one thing to many, a few at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

T = TypeVar("T")


async def gather_limited(things: Iterable[T], action: Callable[[T], Awaitable[None]], at_once: int) -> None:
    """Awaits `action` for every thing, at most `at_once` at a time.

    What is in flight is always finished; after a failure nothing new is started, and the first error is
    raised as it is, never as a group.
    """
    waiting = list(things)
    rest = iter(waiting)
    errors: list[BaseException] = []

    async def worker() -> None:
        for thing in rest:
            try:
                await action(thing)
            except Exception as error:  # noqa: BLE001 - raised below, when all that was in flight is done
                errors.append(error)
            if errors:
                return

    await asyncio.gather(*(worker() for _ in range(min(at_once, len(waiting)))))
    if errors:
        raise errors[0]
