"""Sends what waits in the outbox, each sink in a task of its own.

    pending ─▶ one message, or a digest of all that wait ─▶ Sink.deliver ─▶ sent
                                                                └─▶ postponed, for longer each time

What is marked as sent was taken by the sink; a process that dies in between sends it again, with the same id.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import structlog

from reconciler.errors import ReconcilerError, SinkError
from reconciler.notify.sink import Letter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.engine.clock import Clock
    from reconciler.engine.outbox import Outbox, Queued, Which
    from reconciler.notify.sink import Sink

log = structlog.get_logger("reconciler")

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
"""Seconds between two attempts, growing from one to the other; `Retry-After` counts up to the longest."""

DELIVERY = 30.0
"""Seconds for one attempt, at most."""

_A_MINUTE = 60.0
_FIRST_OF_A_DIGEST = 50
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
class _Line:
    """One sink, and what was sent to it of late."""

    sink: Sink
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    singles: deque[datetime] = field(default_factory=deque)
    digest_at: datetime | None = None
    refreshed_at: datetime | None = None
    taken: str | None = None
    failing: bool = False


@dataclass(slots=True)
class Sender:
    """Sends to all sinks of one configuration. Used from one event loop, except for `wake`'s own.

    Attributes:
        observed: told of each attempt: the sink, and whether it took the letter.
        shown: told of what waits, by sink, whenever that has changed.
    """

    outbox: Outbox
    sinks: Sequence[Sink]
    clock: Clock
    observed: Callable[[str, bool], None] = lambda *_: None
    shown: Callable[[Mapping[str, Backlog]], None] = lambda _: None
    _lines: list[_Line] = field(init=False)
    _backlogs: dict[str, Backlog] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lines = [_Line(sink) for sink in self.sinks]

    def wake(self) -> None:
        """Something may have been put into the outbox."""
        for line in self._lines:
            line.woken.set()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for line in self._lines:
                tasks.create_task(self._serve(line), name=f"sink {line.sink.name}")

    async def flush(self, seconds: float) -> Mapping[str, Backlog]:
        """Sends what is due, for so many seconds at most; what is left waits for the next time."""
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*map(self._drain, self._lines))
        except TimeoutError:
            pass
        return {name: backlog for name, backlog in self._backlogs.items() if backlog.number}

    async def _drain(self, line: _Line) -> None:
        wait = await self._step(line)
        while wait is not None and wait <= _AT_ONCE:
            await self.clock.sleep(wait)
            wait = await self._step(line)

    async def _serve(self, line: _Line) -> None:
        while True:
            line.woken.clear()
            try:
                wait = await self._step(line)
            except ReconcilerError as error:
                log.warning("the outbox cannot be used", sink=line.sink.name, error=str(error))
                wait = _STATE_AGAIN
            except Exception as error:  # noqa: BLE001 - one mistake must not end what sends
                log.error("unexpected", sink=line.sink.name, error=f"{type(error).__name__}: {error}")  # noqa: TRY400
                wait = _STATE_AGAIN
            await _woken(line.woken, wait)

    async def _step(self, line: _Line) -> float | None:
        """One letter, if one is due. Seconds until the next one may be; None while nothing waits."""
        limit = max(_FIRST_OF_A_DIGEST, line.sink.pace.per_minute + 1, line.sink.pace.batch)
        rows = await asyncio.to_thread(self.outbox.pending, line.sink.name, limit)
        await self._show(line, rows)
        if not rows:
            return await self._refreshed(line)
        now = self.clock.now()
        blocked = max((row.not_before for row in rows if row.not_before), default=now)
        if blocked > now:
            return (blocked - now).total_seconds()
        chosen = await self._chosen(line, rows, now)
        if isinstance(chosen, float):
            return chosen
        which, letter = chosen
        await self._send(line, rows[0].attempts, which, letter)
        return line.sink.pace.gap

    async def _refreshed(self, line: _Line) -> float | None:
        """Tells a sink that forgets what goes on still, where it is time to; seconds until it is again."""
        pace, now = line.sink.pace, self.clock.now()
        if not pace.refresh:
            return None
        left = pace.refresh - (now - line.refreshed_at).total_seconds() if line.refreshed_at else pace.refresh
        if line.refreshed_at and 0 < left <= pace.refresh:
            return left
        if line.refreshed_at:
            messages = await asyncio.to_thread(self.outbox.open_messages, line.sink.name)
            for start in range(0, len(messages), pace.batch):
                some = tuple(messages[start : start + pace.batch])
                await self._repeated(line, Letter(some[0].message_id, now, some))
        line.refreshed_at = now
        return pace.refresh

    async def _repeated(self, line: _Line, letter: Letter) -> None:
        try:
            async with asyncio.timeout(DELIVERY):
                await line.sink.deliver(letter)
        except (SinkError, TimeoutError) as error:
            self.observed(line.sink.name, False)
            log.debug("a sink could not be refreshed", sink=line.sink.name, error=_told(error))

    async def _chosen(
        self, line: _Line, rows: Sequence[Queued], now: datetime
    ) -> tuple[Which, Letter] | float:
        """What to send now, or the seconds until something may be sent."""
        pace = line.sink.pace
        if digest := rows[0].digest:
            return digest, await self._digest(digest, [row for row in rows if row.digest == digest], now)
        if pace.batch > 1:
            some = rows[: pace.batch]
            messages = tuple(row.message for row in some)
            return [row.row_id for row in some], Letter(messages[0].message_id, now, messages)
        minute = timedelta(seconds=_A_MINUTE)
        while line.singles and now - line.singles[0] >= minute:
            line.singles.popleft()
        if len(rows) <= pace.per_minute - len(line.singles):
            line.singles.append(now)
            return _single(rows[0])
        if line.digest_at is not None and now - line.digest_at < minute:
            return (minute - (now - line.digest_at)).total_seconds()
        line.digest_at = now
        if len(rows) == 1:
            return _single(rows[0])
        digest = f"msg_{self.clock.new_id()}"
        await asyncio.to_thread(self.outbox.bundle, line.sink.name, digest)
        return digest, await self._digest(digest, rows, now)

    async def _digest(self, digest: str, rows: Sequence[Queued], now: datetime) -> Letter:
        numbers = await asyncio.to_thread(self.outbox.numbers, digest)
        return Letter(digest, now, tuple(row.message for row in rows[:_FIRST_OF_A_DIGEST]), numbers)

    async def _send(self, line: _Line, attempts: int, which: Which, letter: Letter) -> None:
        if line.taken != letter.letter_id:  # else it was taken, and could not be marked
            try:
                async with asyncio.timeout(DELIVERY):
                    await line.sink.deliver(letter)
            except (SinkError, TimeoutError) as error:
                asked = error.retry_after if isinstance(error, SinkError) else None
                await self._failed(line, attempts, which, _told(error), asked)
                return
            except Exception as error:  # noqa: BLE001 - its words may hold the url
                await self._failed(line, attempts, which, f"unexpected {type(error).__name__}", None)
                return
            line.taken = letter.letter_id
            self.observed(line.sink.name, True)
        # without a wait between the two: a stop that came in between would have it sent once more
        self.outbox.sent(which, self.clock.now())
        line.taken = None
        if line.failing:
            log.info("a sink takes messages again", sink=line.sink.name)
        line.failing = False

    async def _failed(
        self, line: _Line, attempts: int, which: Which, error: str, retry_after: float | None
    ) -> None:
        window = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts, 16))
        pause = window * (0.5 + self.clock.chance() / 2)
        if retry_after is not None:
            pause = min(max(retry_after, 1.0), LONGEST_PAUSE)
        self.observed(line.sink.name, False)
        told = log.debug if line.failing else log.warning
        told("a sink does not take messages", sink=line.sink.name, error=error, next_attempt_in=round(pause))
        line.failing = True
        await asyncio.to_thread(self.outbox.postponed, which, self.clock.later(pause), error)

    async def _show(self, line: _Line, rows: Sequence[Queued]) -> None:
        backlog = Backlog()
        if rows:
            waiting = await asyncio.to_thread(self.outbox.waiting)
            number = waiting[line.sink.name].number if line.sink.name in waiting else len(rows)
            backlog = Backlog(number, rows[0].message.at, rows[0].error)
        self._backlogs[line.sink.name] = backlog
        self.shown(dict(self._backlogs))


def _single(row: Queued) -> tuple[Which, Letter]:
    return [row.row_id], Letter(row.message.message_id, row.message.at, (row.message,))


def _told(error: SinkError | TimeoutError) -> str:
    return str(error) if isinstance(error, SinkError) else f"it did not answer within {DELIVERY:g} s"


async def _woken(event: asyncio.Event, seconds: float | None) -> None:
    """Waits that long, or until the event is set; without a number, for the event alone."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
