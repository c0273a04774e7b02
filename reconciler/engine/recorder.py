"""What one cycle journals about one target's models: each event with the commit that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.engine.values import Event, EventKind, LedgerEntry, Phase, Stand, stand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.clock import Clock
    from reconciler.engine.journal import JournalWriter
    from reconciler.engine.ports import Journal
    from reconciler.errors import RegistryError


@dataclass(frozen=True, slots=True)
class Recorder:
    """Writes the events of one target and one cycle; every one is on disk before the next step begins.

    Attributes:
        sent: the newest operation of each pair that this process asked for, in whichever cycle.
        vouched: says who vouches for a commit; None where nobody has to.
    """

    target: str
    cycle_id: str
    journal: JournalWriter
    clock: Clock
    sent: dict[ModelKey, str] = field(default_factory=dict)
    vouched: Callable[[str], str | None] = lambda _: None
    _intended: dict[ModelKey, Event] = field(default_factory=dict)

    @property
    def ledger(self) -> Journal:
        """What is remembered."""
        return self.journal.ledger

    def entry(self, pair: ModelKey) -> LedgerEntry | None:
        """What is remembered of one pair now."""
        return self.ledger.entry(self.target, pair)

    def intent(self, pair: ModelKey) -> Event | None:
        """The intent that this cycle journalled about the pair, if it did."""
        return self._intended.get(pair)

    def begin(self, pair: ModelKey) -> None:
        """An attempt begins: what is answered before its own intent is not about an earlier one."""
        self._intended.pop(pair, None)

    async def intend(self, pair: ModelKey, operation_id: str, **facts: Any) -> None:  # noqa: ANN401 - fields of an event
        """Journals an intent; the events that follow belong to its commit."""
        commit = facts.get("commit")
        detail = self.vouched(commit) if commit else None
        facts = {"operation_id": operation_id, "detail": detail, **facts}
        event = self._intended[pair] = self._event(pair, EventKind.IMPORT_REQUESTED, **facts)
        self.sent[pair] = operation_id
        await self.journal.record([event])

    async def answered(
        self,
        pair: ModelKey,
        kind: EventKind,
        error: RegistryError | None = None,
        **facts: Any,  # noqa: ANN401
    ) -> None:
        """Journals what became of an import that this cycle asked for, unless that was settled meanwhile.

        Where it wrote no intent, nothing was sent, and only the leader says so.
        """
        if error is not None:
            facts = {"code": error.reason, "detail": str(error), "request_id": error.request_id, **facts}
        intent = self._intended.get(pair)
        cause = intent or self.entry(pair)
        origin = {} if cause is None else _origin(cause)
        asked = None if intent is None else Stand(Phase.INTENDED, None, intent.operation_id)
        await self.journal.record([self._event(pair, kind, asked=asked, **origin | facts)])

    async def learned(self, entry: LedgerEntry, kind: EventKind, **facts: Any) -> None:  # noqa: ANN401
        """Journals an answer to a question that was asked about this entry, unless it changed meanwhile."""
        await self.journal.record([self.about(entry, kind, **facts)])

    async def record(self, events: Sequence[Event]) -> None:
        """Journals several events in one transaction."""
        await self.journal.record(events)

    def about(self, entry: LedgerEntry, kind: EventKind, **facts: Any) -> Event:  # noqa: ANN401
        """Such an answer, as an event."""
        return self._event(entry.pair, kind, asked=stand(entry), **_origin(entry) | facts)

    def _event(self, pair: ModelKey, kind: EventKind, **facts: Any) -> Event:  # noqa: ANN401
        return Event(self.clock.now(), kind, self.target, pair, self.cycle_id, **facts)


def _origin(cause: Event | LedgerEntry) -> dict[str, Any]:
    """Which commit an event belongs to: the journal is joined with the log by it."""
    return {
        "operation_id": cause.operation_id,
        "commit": cause.commit,
        "path": cause.path,
        "line": cause.line,
    }
