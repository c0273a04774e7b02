"""Doing one thing to many, a few at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable

T = TypeVar("T")


async def gather_limited(
    things: Iterable[T], action: Callable[[T], Awaitable[bool | None]], at_once: int
) -> None:
    """Awaits `action` for every thing, at most `at_once` at a time.

    An action that gives False is under way still, and keeps its place; without a place left, the rest stays
    undone.

    What is in flight is always finished; after a failure nothing new is started, and the first error is
    raised as it is, never as a group.
    """
    waiting = list(things)
    rest = iter(waiting)
    errors: list[BaseException] = []

    async def worker() -> None:
        for thing in rest:
            try:
                if await action(thing) is False:
                    return
            except Exception as error:  # noqa: BLE001 - raised below, when all that was in flight is done
                errors.append(error)
            if errors:
                return

    await asyncio.gather(*(worker() for _ in range(min(at_once, len(waiting)))))
    if errors:
        raise errors[0]


@dataclass(slots=True)
class Background:
    """What is begun now and waited for at the end."""

    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _error: BaseException | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins something; it goes on whatever becomes of whoever began it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    @property
    def failed(self) -> bool:
        """Whether something of it has ended in an error, which `done` is going to raise."""
        return self._error is not None

    async def done(self) -> None:
        """Waits for all of it. Raises the first error there was."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        # asked of every task: asyncio prints an error that nobody asked for, with its traceback
        error = None if task.cancelled() else task.exception()
        self._error = self._error or error
