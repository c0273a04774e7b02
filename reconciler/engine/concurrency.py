"""What runs beside something else: things a few at a time, git in its thread, what no cycle waits for.

`SlowTargets`: a step of a target (judging it, following its imports) that takes far longer than it usually
does is left behind. It runs on and ends by its own timeouts; until then its target takes part in nothing
else, and what the step finds is not used. The next step of that target may take as long as this one took.
After a step that failed, the next one is given the least time, until one succeeds.

`HangingCalls`: an import call that was sent and hangs is left to itself once something else is to be done.
Its intent is on disk then, so that every later cycle knows of it, and sends nothing a second time. The call
keeps its place among the calls that may be in flight, ends by its own timeout, and its result is journalled
and used then.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from reconciler.errors import RegistryError, Unauthorised, Unreachable
from reconciler.log import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


P = ParamSpec("P")
T = TypeVar("T")

Step = Coroutine[None, None, bool]
"""What a target has to do; gives whether its registry answered."""

Call = Coroutine[None, None, None]

_LEAST = 3.0  # seconds that every step, and the answer to every call, is waited for
_USUAL = 3  # times the longest that the step took since it failed last: a look at everything takes longer


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
class FailureBudget:
    """Counts failures of requests that are about one model each; after some in a row no more are sent.

    Attributes:
        enough: failures in a row after which the others are not tried in this cycle.
    """

    enough: int = 10
    in_a_row: int = 0
    successes: int = 0
    last: RegistryError | None = None

    @property
    def given_up(self) -> bool:
        """Whether so many failed in a row that no more requests are sent."""
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


@dataclass(slots=True)
class SlowTargets:
    """The steps that no cycle waits for, and how long each step took. For one event loop.

    Only reading steps: their results are not used. An import call that hangs is one of `HangingCalls`.

    Attributes:
        caught_up: called when a step that was left behind has ended well.
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
            await _cancelled(tasks.values())
            raise
        self._behind |= {name: tasks[name] for name in late}
        return late

    async def all(self) -> None:
        """Waits until nothing is under way any more."""
        await asyncio.gather(*self._behind.values(), return_exceptions=True)

    async def aclose(self) -> None:
        """Cancels what is under way; safe to call twice."""
        await _cancelled(self._behind.values())
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


async def _cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)


async def never() -> None:
    """Nothing else is to be done."""
    await asyncio.Event().wait()


@dataclass(slots=True)
class HangingCalls:
    """The import calls that no cycle waits for. For one event loop.

    Their results are journalled. The target of such a call takes part in every cycle, which a target of
    `SlowTargets` does not.

    Attributes:
        other_work: returns once something else is to be done.
        any_ended: whether a call has ended since the last cycle began.
    """

    other_work: Callable[[], Awaitable[object]] = never
    ended: Callable[[], None] = lambda: None
    any_ended: bool = False
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
        self.any_ended = True
        self.ended()
