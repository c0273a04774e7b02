"""What is done beside each other: many things, a few at a time, until too many fail; git, in one thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from reconciler.errors import RegistryError, Unauthorised, Unreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable

P = ParamSpec("P")
T = TypeVar("T")


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Does the work in a task of its own while the block runs, and gives it up at the end."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


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
class Setbacks:
    """Requests about one model each, which fail by themselves; after some in a row no more are sent.

    Attributes:
        enough: failures in a row after which the others are not tried in this cycle.
    """

    enough: int = 10
    in_a_row: int = 0
    successes: int = 0
    last: RegistryError | None = None

    @property
    def given_up(self) -> bool:
        """Whether so many failed that the others are spared."""
        return self.in_a_row >= self.enough

    def passed(self) -> None:
        """Takes a request that went through."""
        self.in_a_row = 0
        self.successes += 1

    def failed(self, error: RegistryError) -> None:
        """Takes a request that failed.

        Raises:
            RegistryError: that very error, when every other request would fail in the same way.
        """
        if isinstance(error, (Unauthorised, Unreachable)):
            raise error
        self.last = error
        self.in_a_row += 1


@dataclass(frozen=True, slots=True)
class GitThread:
    """Carries out calls one after another, in the order in which they were asked for."""

    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "git"))

    async def __call__(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What the call gives, or raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(*args, **kwargs))

    def close(self) -> None:
        """Ends the thread; safe to call twice."""
        self._thread.shutdown(wait=True)
