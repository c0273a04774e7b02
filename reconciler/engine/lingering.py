"""Import calls that hang: once something else is to be done, no cycle waits for them any more.

    sent ─▶ answered                                   the cycle goes on with the answer
         └▶ hangs, and something else is to be done    the cycle goes on without it: it ends by its own
                                                       timeout, and what became of it is journalled then

Only a call that was sent is left to itself: its intent is on disk, so that every later cycle knows of it, and
sends nothing a second time. It keeps its place among the calls that may be in flight.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import RegistryError
from reconciler.log import log

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Call = Coroutine[None, None, None]

_LEAST = 3.0  # seconds that every answer is waited for, whatever else is to be done


async def never() -> None:
    """Nothing else is to be done."""
    await asyncio.Event().wait()


@dataclass(slots=True)
class Lingering:
    """The calls that no cycle waits for. For one event loop.

    Attributes:
        other_work: returns once something else is to be done.
        is_news: whether one has ended since the last cycle began.
    """

    other_work: Callable[[], Awaitable[object]] = never
    ended: Callable[[], None] = lambda: None
    is_news: bool = False
    _calls: defaultdict[str, set[asyncio.Task[None]]] = field(default_factory=lambda: defaultdict(set))

    def number(self, target: str) -> int:
        """How many calls to this target are left to themselves."""
        return len(self._calls[target])

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(self._calls.values())

    async def wait(self, target: str, call: Call, sent: asyncio.Event) -> bool:
        """Waits for a call, unless it hangs and something else is to be done; whether it has ended.

        The call goes from before its intent until its answer is journalled; `sent` is set when nothing comes
        before its first byte any more.

        Raises:
            BaseException: what the call raised.
        """
        task = asyncio.create_task(call)
        hangs = asyncio.create_task(self._hangs(sent))
        try:
            await asyncio.wait({task, hangs}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            await _cancelled({task})
            raise
        finally:
            hangs.cancel()
        if task.done():
            task.result()
            return True
        self._calls[target].add(task)
        task.add_done_callback(partial(self._over, target))
        return False

    async def all(self) -> None:
        """Waits until each has ended."""
        await asyncio.gather(*self._tasks(), return_exceptions=True)

    async def aclose(self) -> None:
        """Cancels them: the next start settles what they leave open. Safe to call twice."""
        await _cancelled(self._tasks())

    async def _hangs(self, sent: asyncio.Event) -> None:
        await sent.wait()
        await asyncio.sleep(_LEAST)
        await self.other_work()

    def _tasks(self) -> set[asyncio.Task[None]]:
        return {task for tasks in self._calls.values() for task in tasks}

    def _over(self, target: str, task: asyncio.Task[None]) -> None:
        self._calls[target].discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, RegistryError):  # those are journalled
            log.debug("unexpected", target=target, exc_info=error)
        self.is_news = True
        self.ended()


async def _cancelled(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
