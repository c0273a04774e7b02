"""Imports, exactly once: one intent to disk, the call, the result to disk; an unknown one is settled later.

The next import does not wait for the result of the one before: its intent is written with it, in one
transaction, and no sooner.

`Registry.create` sends the POST a second time only with proof that nothing was made by the first one. A call
has three answers: made, certainly not made, and unknown. An unknown one is never repeated before it is
certain that it was not made, see `reconciler.engine.outcomes`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.engine.concurrency import FailureBudget, gather_limited
from reconciler.engine.outcomes import Follower, Settler
from reconciler.engine.values import Created, EventKind, ModelState, Phase
from reconciler.errors import (
    AlreadyExists,
    IntentTooOld,
    LeaseLost,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
    Rejected,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Timing
    from reconciler.engine.concurrency import HangingCalls
    from reconciler.engine.ports import Registry
    from reconciler.engine.recorder import Recorder
    from reconciler.manifest import Manifest

_ENOUGH = 3  # imports in a row that fail for what is no model's own cause, after which no more are tried

_LEASE_ENDED = (
    "target {}: the lease may have ended while an intent was written, and the call was not sent: the "
    "server of state.url is slow, or this process was stopped or asked to stop meanwhile"
)

_WITHDRAWN = "not sent: the lease ended while the intent was written; whoever leads goes on"


@dataclass(slots=True)
class Background:
    """What is begun now and waited for at the end."""

    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _error: BaseException | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begins a task; it goes on although the caller is cancelled."""
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
        # of every task: asyncio prints an error that is never retrieved, with its traceback
        error = None if task.cancelled() else task.exception()
        self._error = self._error or error


@dataclass(slots=True)
class Executor:
    """Acts on one target during one cycle. Every step about a pair is on disk before its next begins.

    Attributes:
        holds: whether the lease of this target goes on for certain; asked right before each call.
        hanging_calls: takes calls that hang while something else is to be done; None waits for each.
        settler: for intents that are open.
        follower: for imports that are not final.
    """

    recorder: Recorder
    registry: Registry
    timing: Timing
    holds: Callable[[], bool]
    hanging_calls: HangingCalls | None
    settler: Settler = field(init=False)
    follower: Follower = field(init=False)
    _results: Background = field(default_factory=Background)

    def __post_init__(self) -> None:
        self.settler = Settler(self.recorder, self.registry, self.timing)
        self.follower = Follower(self.recorder, self.registry, self.timing)

    async def import_all(self, items: Sequence[ModelState], manifests: Mapping[ModelKey, Manifest]) -> None:
        """Imports each item, a few at a time; stops starting new ones when asked to stop.

        Raises:
            LeaseLost: another process may lead the target; what was in flight is recorded.
            RegistryError: credentials were refused, the registry cannot be reached, the endpoint refuses
                every import, or the state is too slow for any; what was in flight is recorded, and nothing
                else is tried.
        """
        failures = FailureBudget(_ENOUGH)
        # by pair: whatever the caller has chosen, no two calls for one pair are ever under way together
        by_pair = {item.pair: item for item in items if item.pair}

        async def one(pair: ModelKey) -> bool:
            # a result that could not be written says that the state is gone: nothing else is sent
            given_up = failures.given_up or self._results.failed
            if self.recorder.clock.stopping() or given_up:
                return True
            return await self._waited_for(by_pair[pair], manifests[pair], failures)

        hanging = self.hanging_calls.number(self.recorder.target) if self.hanging_calls is not None else 0
        try:
            await gather_limited(by_pair, one, self.timing.in_flight - hanging)
        finally:
            await self._results.done()  # before anything is raised: every result is on disk then
        if failures.last is not None and not failures.successes:
            raise failures.last

    async def see_through(self, manifests: Callable[[], Awaitable[Mapping[ModelKey, Manifest]]]) -> None:
        """Asks until every import is final and every intent settled, or until a deadline, or a stop.

        `manifests` gives those of the intents that are open.
        """
        clock = self.recorder.clock
        deadline = clock.later(self.timing.follow_deadline)
        waits, number = self.timing.follow, 0
        looked = datetime.min.replace(tzinfo=UTC)
        while not clock.stopping() and clock.now() < deadline:
            look = self.settler.next_look(looked)
            if look is None and not self.follower.unfinished():
                return
            # slept before it is asked: what was sent a moment ago has hardly changed
            number += 1
            await clock.sleep(waits.seconds(number))
            if look is not None and look <= clock.now():
                # what is due and stays open by this look cannot be settled now, and is not waited for
                looked = clock.now()
                await self.settler.settle_all(await manifests())
            await self.follower.once()

    def not_made(self) -> frozenset[ModelKey]:
        """The pairs whose import was settled as not made in this cycle, and may be sent again."""
        return frozenset(
            entry.pair for entry in self.recorder.pending(Phase.RELEASED) if entry.last is EventKind.NOT_FOUND
        )

    async def _waited_for(self, item: ModelState, manifest: Manifest, failures: FailureBudget) -> bool:
        """One import; False where its call hangs, is left to itself, and journals its answer by itself."""
        sent = asyncio.Event()
        if self.hanging_calls is None:
            await self._import(item, manifest, failures, sent)
            return True

        is_left = False

        async def whole() -> None:
            await self._import(item, manifest, failures, sent)
            if is_left:  # the cycle that would wait for what is journalled is over
                await self._results.done()

        is_left = not await self.hanging_calls.wait(self.recorder.target, whole(), sent)
        return not is_left

    async def _import(
        self, item: ModelState, manifest: Manifest, failures: FailureBudget, sent: asyncio.Event
    ) -> None:
        """One import: one intent, one call, one result."""
        try:
            created = await self._send(item, manifest, sent)
        except AlreadyExists as error:
            await self._exists(manifest, error)
        except Rejected as error:
            facts = _declared(item, manifest)
            await self.recorder.record_result(manifest.pair, EventKind.REJECTED, error, **facts)
        except OutcomeUnknown as error:
            await self._unknown(manifest, error)
        except RegistryError as error:
            await self._postpone(item, manifest, error)
            if _is_about_others_too(error):
                failures.failed(error)
            return
        else:
            result = self.recorder.record_result(
                manifest.pair,
                EventKind.IMPORTED,
                model_id=created.model_id,
                request_id=created.request_id,
                model_status=created.status,
                stage=created.stage,
            )
            self._results.start(result)
        failures.passed()

    async def _send(self, item: ModelState, manifest: Manifest, sent: asyncio.Event) -> Created:
        async def intend() -> None:
            await self.recorder.intend(
                manifest.pair,
                operation_id=self.recorder.clock.new_id(),
                author=item.author,
                not_before=self.recorder.clock.later(self.timing.uncertain),
                **_declared(item, manifest),
            )
            # asked last: writing the intent may have taken longer than the lease goes on for certain
            if not self.holds():
                await self._withdraw(item, manifest)
                raise LeaseLost(self.recorder.target, _LEASE_ENDED.format(self.recorder.target))
            sent.set()  # from here on the call may be left to itself: its intent is on disk

        # what is answered before this attempt's own intent is written belongs to no attempt
        self.recorder.begin(manifest.pair)
        # the registry waits for its rate limit, a slot and a login, then has the intent written, then sends:
        # so that nothing lies between the intent and the call, and the intent's time bounds the call's
        return await self.registry.create(manifest.request, intend)

    async def _withdraw(self, item: ModelState, manifest: Manifest) -> None:
        """Journals that the call of this intent was not sent and never will be: only this process knows it.

        The next leader then need not wait for its outcome. It is journalled as every result is.
        """
        facts = {"not_before": self.recorder.clock.now(), "detail": _WITHDRAWN, **_declared(item, manifest)}
        await self.recorder.record_result(manifest.pair, EventKind.POSTPONED, **facts)

    async def _unknown(self, manifest: Manifest, error: OutcomeUnknown) -> None:
        """Looks once for a model whose import was not answered; finding nothing decides nothing yet.

        The outcome is certain once the intent's time is over; other models do not wait for that.
        """
        intent = self.recorder.intent(manifest.pair)
        not_before = intent.not_before if intent else None
        # before the look: a crash during it must not lose that the call was sent, nor until when it may count
        await self.recorder.record_result(manifest.pair, EventKind.UNKNOWN, error, not_before=not_before)
        await self.settler.settle(manifest.pair, manifest)

    async def _exists(self, manifest: Manifest, error: AlreadyExists) -> None:
        """409: the pair is registered, perhaps by an earlier process of this program, or it is elsewhere."""
        # looked for first: while the intent is open a model that is listed is adopted, and nothing is held
        if await self.settler.settle(manifest.pair, manifest):
            return
        not_before = self.recorder.clock.later(self.timing.settle)  # a list may show a new model late
        await self.recorder.record_result(manifest.pair, EventKind.EXISTS, error, not_before=not_before)

    async def _postpone(self, item: ModelState, manifest: Manifest, error: RegistryError) -> None:
        entry, clock = self.recorder.entry(manifest.pair), self.recorder.clock
        if error.retry_after is not None:
            due = clock.later(error.retry_after)
        else:
            due = clock.next_attempt(max(1, entry.attempts) if entry else 1)
        facts = _declared(item, manifest)
        await self.recorder.record_result(manifest.pair, EventKind.POSTPONED, error, not_before=due, **facts)


def _declared(item: ModelState, manifest: Manifest) -> dict[str, Any]:
    """What was declared, and where: known also where nothing was sent, and so no intent written."""
    return {"digest": manifest.digest, "commit": item.commit, "path": item.path, "line": item.line}


def _is_about_others_too(error: RegistryError) -> bool:
    """Whether the failure of one import may well be that of the next: what is busy with one model is not."""
    return not isinstance(error, RegistryUnavailable) or isinstance(error, (Unreachable, IntentTooOld))
