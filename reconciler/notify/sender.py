"""Sends what waits in the outbox, each sink in a task of its own.

    pending ─▶ one message, or a bundle of all that wait ─▶ Sink.deliver ─▶ sent
                                                                └─▶ postponed, for longer each time

What is marked as sent was taken by the sink; a process that dies in between sends it again, with the same id.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from reconciler.backoff import EQUAL_JITTER, Backoff
from reconciler.errors import ReconcilerError, SinkError
from reconciler.log import log
from reconciler.notify.sink import Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.engine.clock import Clock
    from reconciler.engine.episodes import OutboxRow, RowSelection
    from reconciler.notify.sink import Sink
    from reconciler.state.outbox import Outbox

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
"""Seconds between two attempts, growing from one to the other; `Retry-After` counts up to the longest."""

_BACKOFF = Backoff(FIRST_PAUSE, LONGEST_PAUSE, jitter=EQUAL_JITTER)

DELIVERY = 30.0
"""Seconds for one attempt, at most."""

_A_MINUTE = timedelta(minutes=1)
_FIRST_OF_A_BUNDLE = 50
_STATE_AGAIN = 30.0  # seconds; a state that is lost ends the session before
_AT_ONCE = 1.0  # seconds that a flush waits for a sink's own pace


class Backlog(NamedTuple):
    """What one sink has not taken yet.

    Attributes:
        number: of messages.
        oldest: time of the oldest, UTC; None where nothing waits.
        error: of the last attempt, when it failed.
    """

    number: int = 0
    oldest: datetime | None = None
    error: str | None = None


@dataclass(slots=True)
class _SinkState:
    """One sink, and what was sent to it of late."""

    sink: Sink
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    singles: deque[datetime] = field(default_factory=deque)
    bundled_at: datetime | None = None
    refreshed_at: datetime | None = None
    taken: RowSelection | None = None
    failing: bool = False


@dataclass(slots=True)
class Sender:
    """Sends to all sinks of one configuration. Used from one event loop, except for `wake`'s own.

    Attributes:
        observed: called after each attempt with the sink, and whether it took the notification.
        shown: called with what waits, by sink, whenever that has changed.
        leads: whether this process is the one that sends.
    """

    outbox: Outbox
    sinks: Sequence[Sink]
    clock: Clock
    observed: Callable[[str, bool], None] = lambda *_: None
    shown: Callable[[Mapping[str, Backlog]], None] = lambda _: None
    leads: Callable[[], bool] = lambda: True
    _states: list[_SinkState] = field(init=False)
    _backlogs: dict[str, Backlog] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._states = [_SinkState(sink) for sink in self.sinks]

    def wake(self) -> None:
        """Something may have been put into the outbox."""
        for state in self._states:
            state.woken.set()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for state in self._states:
                tasks.create_task(self._serve(state), name=f"sink {state.sink.name}")

    async def flush(self, seconds: float) -> Mapping[str, Backlog]:
        """Sends what is due, for so many seconds at most; what is left waits for the next time."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*map(self._drain, self._states))
        except TimeoutError:
            pass
        return {name: backlog for name, backlog in self._backlogs.items() if backlog.number}

    async def _drain(self, state: _SinkState) -> None:
        wait = await self._step(state)
        while wait is not None and wait <= _AT_ONCE:
            await self.clock.sleep(wait)
            wait = await self._step(state)

    async def _serve(self, state: _SinkState) -> None:
        while True:
            state.woken.clear()
            try:
                wait = await self._step(state)
            except ReconcilerError as error:
                log.warning("the outbox cannot be used", sink=state.sink.name, error=str(error))
                wait = _STATE_AGAIN
            except Exception as error:  # noqa: BLE001 - one mistake must not end what sends
                problem = f"unexpected {type(error).__name__}: {error}"
                log.error("the outbox cannot be used", sink=state.sink.name, error=problem)
                wait = _STATE_AGAIN
            await _woken(state.woken, wait)

    async def _step(self, state: _SinkState) -> float | None:
        """One notification, if one is due. Seconds until the next one may be; None while nothing waits."""
        if not self.leads():
            return None
        limit = max(_FIRST_OF_A_BUNDLE, state.sink.pace.per_minute + 1, state.sink.pace.batch)
        rows = await asyncio.to_thread(self.outbox.pending, state.sink.name, limit)
        await self._show(state, rows)
        if not rows:
            return await self._refreshed(state)
        now = self.clock.now()
        blocked = max((row.not_before for row in rows if row.not_before), default=now)
        wait = (blocked - now).total_seconds()
        if 0 < wait <= LONGEST_PAUSE:  # a longer one was worked out by a clock that was ahead
            return wait
        chosen = await self._chosen(state, rows, now)
        if isinstance(chosen, float):
            return chosen
        which, notification = chosen
        await self._send(state, rows[0].attempts, which, notification)
        return state.sink.pace.gap

    async def _refreshed(self, state: _SinkState) -> float | None:
        """Repeats the open messages to a sink that forgets them, when it is time; seconds until it is."""
        pace, now = state.sink.pace, self.clock.now()
        if not pace.refresh:
            return None
        state.refreshed_at = state.refreshed_at or now
        left = pace.refresh - (now - state.refreshed_at).total_seconds()
        if 0 < left <= pace.refresh:
            return left
        messages = await asyncio.to_thread(self.outbox.open_messages, state.sink.name)
        for start in range(0, len(messages), pace.batch):
            some = tuple(messages[start : start + pace.batch])
            await self._repeated(state, Notification(some[0].message_id, now, some))
        state.refreshed_at = now
        return pace.refresh

    async def _repeated(self, state: _SinkState, notification: Notification) -> None:
        try:
            async with asyncio.timeout(DELIVERY):
                await state.sink.deliver(notification)
        except (SinkError, TimeoutError) as error:
            self.observed(state.sink.name, False)
            log.debug("a sink could not be refreshed", sink=state.sink.name, error=_message_of(error))

    async def _chosen(
        self, state: _SinkState, rows: Sequence[OutboxRow], now: datetime
    ) -> tuple[RowSelection, Notification] | float:
        """What to send now, or the seconds until something may be sent."""
        pace = state.sink.pace
        if bundle := rows[0].bundle:
            return bundle, await self._bundle(bundle, [row for row in rows if row.bundle == bundle], now)
        if pace.batch > 1:
            some = rows[: pace.batch]
            messages = tuple(row.message for row in some)
            return [row.row_id for row in some], Notification(messages[0].message_id, now, messages)
        while state.singles and now - state.singles[0] >= _A_MINUTE:
            state.singles.popleft()
        if len(rows) <= pace.per_minute - len(state.singles):
            state.singles.append(now)
            return _single(rows[0])
        if state.bundled_at is not None and now - state.bundled_at < _A_MINUTE:
            return (_A_MINUTE - (now - state.bundled_at)).total_seconds()
        state.bundled_at = now
        if len(rows) == 1:
            return _single(rows[0])
        bundle = f"msg_{self.clock.new_id()}"
        await asyncio.to_thread(self.outbox.assign_bundle, state.sink.name, bundle)
        return bundle, await self._bundle(bundle, rows, now)

    async def _bundle(self, bundle: str, rows: Sequence[OutboxRow], now: datetime) -> Notification:
        numbers = await asyncio.to_thread(self.outbox.bundle_counts, bundle)
        return Notification(bundle, now, tuple(row.message for row in rows[:_FIRST_OF_A_BUNDLE]), numbers)

    async def _send(
        self, state: _SinkState, attempts: int, which: RowSelection, notification: Notification
    ) -> None:
        if state.taken != which:  # else it was taken, and could not be marked
            try:
                async with asyncio.timeout(DELIVERY):
                    await state.sink.deliver(notification)
            except (SinkError, TimeoutError) as error:
                asked = error.retry_after if isinstance(error, SinkError) else None
                await self._failed(state, attempts, which, _message_of(error), asked)
                return
            except Exception as error:  # noqa: BLE001 - its words may hold the url
                await self._failed(state, attempts, which, f"unexpected {type(error).__name__}", None)
                return
            state.taken = which
            self.observed(state.sink.name, True)
        # without a wait between the two: a stop that came in between would have it sent once more
        self.outbox.mark_sent(which, self.clock.now())
        state.taken = None
        if state.failing:
            log.info("a sink takes messages again", sink=state.sink.name)
        state.failing = False

    async def _failed(
        self, state: _SinkState, attempts: int, which: RowSelection, error: str, retry_after: float | None
    ) -> None:
        pause = _BACKOFF.seconds(attempts + 1, self.clock.chance())
        if retry_after is not None:
            pause = min(max(retry_after, 1.0), LONGEST_PAUSE)
        self.observed(state.sink.name, False)
        say = log.debug if state.failing else log.warning
        say("a sink does not take messages", sink=state.sink.name, error=error, next_attempt_in=round(pause))
        state.failing = True
        await asyncio.to_thread(self.outbox.postpone, which, self.clock.later(pause), error)

    async def _show(self, state: _SinkState, rows: Sequence[OutboxRow]) -> None:
        backlog = Backlog()
        if rows:
            waiting = await asyncio.to_thread(self.outbox.pending_counts)
            number = waiting[state.sink.name].number if state.sink.name in waiting else len(rows)
            backlog = Backlog(number, rows[0].message.at, rows[0].error)
        self._backlogs[state.sink.name] = backlog
        self.shown(dict(self._backlogs))


def _single(row: OutboxRow) -> tuple[RowSelection, Notification]:
    return [row.row_id], Notification(row.message.message_id, row.message.at, (row.message,))


def _message_of(error: SinkError | TimeoutError) -> str:
    return str(error) if isinstance(error, SinkError) else f"it did not answer within {DELIVERY:g} s"


async def _woken(event: asyncio.Event, seconds: float | None) -> None:
    """Waits that long, or until the event is set; without a number, for the event alone."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
