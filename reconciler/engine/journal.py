"""Journalling for many at once: events that wait for the disk together are written in one transaction.

Whoever records an event goes on when it is on disk, and not before. The disk is waited for in a thread, so
that other imports go on meanwhile; their events gather for the next transaction.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.errors import LeaseLost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.engine.ports import Journal
    from reconciler.engine.values import Event

    Waiting = tuple[Sequence[Event], asyncio.Future[None]]


@dataclass(slots=True)
class JournalWriter:
    """The way to the ledger's journal for what one event loop does.

    Attributes:
        actor: who asked for what is done, recorded with every event.
        epoch: of the lease under which it is done, recorded with every event; None where there is none.
    """

    ledger: Journal
    on_event: Callable[[Event], None] = lambda _: None
    actor: str | None = None
    epoch: int | None = None
    _waiting: list[Waiting] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None

    async def record(self, events: Sequence[Event]) -> None:
        """Journals the events, all or none, but those whose question is out of date; on disk on return.

        Raises:
            StateError: they could not be written, and nothing of them is.
            LeaseLost: the same, because the lease is not held any more.
        """
        if not events:
            return
        written = asyncio.get_running_loop().create_future()
        if self.actor is not None or self.epoch is not None:
            events = [replace(event, actor=self.actor, epoch=self.epoch) for event in events]
        self._waiting.append((events, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # whatever is about to be recorded now joins in
            batch, self._waiting = self._waiting, []
            error = await self._append(batch)
            if isinstance(error, LeaseLost) and len(batch) > 1:
                # an answer to what was sent before is journalled by whoever sent it, whoever leads now
                for one in batch:
                    _tell([one], await self._append([one]))
            else:
                _tell(batch, error)

    async def _append(self, batch: Sequence[Waiting]) -> BaseException | None:
        """Journals what these wait for; gives the error to raise where each of them is waited for."""
        events = [event for some, _ in batch for event in some]
        try:
            for event in await asyncio.to_thread(self.ledger.append, events):
                self.on_event(event)
        except BaseException as error:  # noqa: BLE001
            return error
        return None


def _tell(batch: Sequence[Waiting], error: BaseException | None) -> None:
    for _, written in batch:
        if written.done():  # whoever waited was cancelled
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)
