"""What one cycle journals about one target's models: each event with the commit that it belongs to.

A call that records an event returns when the event is on disk, and not before. A thread waits for the disk,
so that other imports go on meanwhile; events that wait at the same time are written in one transaction.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.engine.values import EntryVersion, Event, EventKind, LedgerEntry, Phase, Stage, entry_version
from reconciler.errors import LeaseLost, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.ports import Journal

    Waiting = tuple[Sequence[Event], asyncio.Future[None]]


_OUTCOMES = (EventKind.IMPORTED, EventKind.ADOPTED, EventKind.FAILED)


@dataclass(slots=True)
class Recorder:
    """Writes the events of one target and one cycle; every one is on disk before the next step begins.

    Attributes:
        progress: called with every event that was journalled.
        sent: the newest operation of each pair that this process asked for, in whichever cycle.
        failed: the vendor's words on where to find the cause of a failed import, recorded with its event.
        vouched: says who vouches for a commit; None where nobody has to.
        actor: who asked for what is done, recorded with every event.
        epoch: of the lease under which it is done, recorded with every event; None where there is none.
    """

    target: str
    cycle_id: str
    journal: Journal
    clock: Clock
    progress: Callable[[Event], None]
    sent: dict[ModelKey, str]
    failed: str
    vouched: Callable[[str], str | None]
    actor: str | None
    epoch: int | None
    _intended: dict[ModelKey, Event] = field(default_factory=dict)
    _waiting: list[Waiting] = field(default_factory=list)
    _writer: asyncio.Task[None] | None = None

    def entry(self, pair: ModelKey) -> LedgerEntry | None:
        """What is remembered of one pair now."""
        return self.journal.entry(self.target, pair)

    def pending(self, phase: Phase) -> list[LedgerEntry]:
        """The entries that are not at rest and stand at this phase."""
        return [entry for entry in self.journal.pending(self.target) if entry.phase is phase]

    def intent(self, pair: ModelKey) -> Event | None:
        """The intent that this cycle journalled about the pair, if it did."""
        return self._intended.get(pair)

    def begin(self, pair: ModelKey) -> None:
        """An attempt begins: a result that comes before its intent belongs to no earlier intent."""
        self._intended.pop(pair, None)

    async def intend(self, pair: ModelKey, operation_id: str, **facts: Any) -> None:  # noqa: ANN401 - fields of an event
        """Journals an intent; the events that follow belong to its commit."""
        commit = facts.get("commit")
        detail = self.vouched(commit) if commit else None
        facts = {"operation_id": operation_id, "detail": detail, **facts}
        # both before the write: one that fails or is cancelled may have reached the disk, and is ours then
        event = self._intended[pair] = self._event(pair, EventKind.IMPORT_REQUESTED, **facts)
        self.sent[pair] = operation_id
        await self.record([event])

    async def record_result(
        self,
        pair: ModelKey,
        kind: EventKind,
        error: RegistryError | None = None,
        **facts: Any,  # noqa: ANN401
    ) -> None:
        """Journals the result of an import of this cycle, unless the import was settled meanwhile.

        Where the cycle wrote no intent, nothing was sent; such an event is journalled by the leader only.
        """
        if error is not None:
            facts = {"code": error.reason, "detail": str(error), "request_id": error.request_id, **facts}
        intent = self._intended.get(pair)
        cause = intent or self.entry(pair)
        origin = {} if cause is None else _origin(cause)
        expected = None if intent is None else EntryVersion(Phase.INTENDED, None, intent.operation_id)
        await self.record([self._event(pair, kind, expected=expected, **origin | facts)])

    async def record_settled(self, entry: LedgerEntry, kind: EventKind, **facts: Any) -> None:  # noqa: ANN401
        """Journals what was found out about this entry, unless the entry has changed meanwhile."""
        await self.record([self.about(entry, kind, **facts)])

    def about(self, entry: LedgerEntry, kind: EventKind, **facts: Any) -> Event:  # noqa: ANN401
        """The event of what was found out about this entry."""
        return self._event(entry.pair, kind, expected=entry_version(entry), **_origin(entry) | facts)

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
        events = [replace(event, detail=self.failed) if _has_failed(event) else event for event in events]
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
                # the result of a call that was sent is journalled by the process that sent it, even without
                # the lease
                for one in batch:
                    _tell([one], await self._append([one]))
            else:
                _tell(batch, error)

    async def _append(self, batch: Sequence[Waiting]) -> BaseException | None:
        """Journals what these wait for; gives the error to raise where each of them is waited for."""
        events = [event for some, _ in batch for event in some]
        try:
            for event in await asyncio.to_thread(self.journal.append, events):
                self.progress(event)
        except BaseException as error:  # noqa: BLE001
            return error
        return None

    def _event(self, pair: ModelKey, kind: EventKind, **facts: Any) -> Event:  # noqa: ANN401
        return Event(self.clock.now(), kind, self.target, pair, self.cycle_id, **facts)


def _tell(batch: Sequence[Waiting], error: BaseException | None) -> None:
    for _, written in batch:
        if written.done():  # whoever waited was cancelled
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


def _origin(cause: Event | LedgerEntry) -> dict[str, Any]:
    """Which commit an event belongs to: the journal is joined with the log by it."""
    return {
        "operation_id": cause.operation_id,
        "commit": cause.commit,
        "path": cause.path,
        "line": cause.line,
    }


def _has_failed(event: Event) -> bool:
    """Whether the event, which says nothing else of it, tells that an import failed."""
    return event.stage is Stage.FAILED and event.kind in _OUTCOMES and event.detail is None
