"""Targets side by side: one whose registry hangs is not waited for while the others have something to do.

A step of a target (judging it, following its imports) that takes far longer than it usually does is left
behind: it runs on, ends by its own timeouts, and until then its target takes part in nothing else. What it
finds is not used; the target is taken up again afterwards, and then given as long as it took. One that failed
is given the least, until it has answered again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    Step = Coroutine[None, None, bool]
    """What a target has to do; gives whether its registry answered."""

_LEAST = 3.0  # seconds that every step is waited for
_USUAL = 3  # times the longest that the step took since it failed last: a look at everything takes longer


@dataclass(slots=True)
class Stragglers:
    """The steps that were left behind, and what is known of how long each takes. For one event loop.

    Attributes:
        caught_up: told when a step that was left behind has ended well.
    """

    caught_up: Callable[[], None] = lambda: None
    _behind: dict[str, asyncio.Task[bool]] = field(default_factory=dict)
    _took: dict[tuple[str, str], float] = field(default_factory=dict)

    def __contains__(self, target: str) -> bool:
        """Whether something of this target is still under way."""
        return target in self._behind

    async def take(self, what: str, steps: Mapping[str, Step]) -> frozenset[str]:
        """Takes this step of each target at once; the names of those that were left behind.

        A step of a single target is always waited for.

        Raises:
            BaseException: what a step raised first; the others were cancelled.
        """
        clock = asyncio.get_running_loop().time
        began = clock()
        tasks = {name: asyncio.create_task(step, name=f"{what} {name}") for name, step in steps.items()}
        for name, task in tasks.items():
            task.add_done_callback(partial(self._ended, what, name, lambda: clock() - began))
        try:
            late = await self._waited_for(what, tasks)
            for name, task in tasks.items():
                if name not in late:
                    task.result()
        except BaseException:
            await _cancelled(tasks)
            raise
        self._behind |= {name: tasks[name] for name in late}
        return late

    async def all(self) -> None:
        """Waits until nothing is under way any more."""
        await asyncio.gather(*self._behind.values(), return_exceptions=True)

    async def aclose(self) -> None:
        """Cancels what is under way; safe to call twice."""
        await _cancelled(self._behind)
        self._behind.clear()

    async def _waited_for(self, what: str, tasks: Mapping[str, asyncio.Task[bool]]) -> frozenset[str]:
        """Waits for the tasks as long as each may take; the names of those that took longer."""
        clock = asyncio.get_running_loop().time
        began, waiting = clock(), dict(tasks)
        while waiting:
            longest = max(self._timeout(what, name) for name in waiting)
            left = None if len(tasks) == 1 else longest - (clock() - began)
            if left is not None and left <= 0:
                break
            done, _ = await asyncio.wait(waiting.values(), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # an error ends the waiting
            waiting = {name: task for name, task in waiting.items() if task not in done}
        return frozenset(waiting)

    def _timeout(self, what: str, name: str) -> float:
        return max(_LEAST, _USUAL * self._took.get((what, name), 0.0))

    def _ended(self, what: str, name: str, took: Callable[[], float], task: asyncio.Task[bool]) -> None:
        """Takes note of a step that has ended, waited for or not."""
        well = not task.cancelled() and task.exception() is None and task.result()
        self._took[what, name] = max(took(), self._took.get((what, name), 0.0)) if well else 0.0
        if self._behind.get(name) is task:
            del self._behind[name]
            if well:
                self.caught_up()


async def _cancelled(tasks: Mapping[str, asyncio.Task[bool]]) -> None:
    for task in tasks.values():
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks.values(), return_exceptions=True)
