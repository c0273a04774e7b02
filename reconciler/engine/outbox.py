"""The outbox as those see it who send: a port that the state implements, beside that of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.engine.episodes import Message, MessageKind
    from reconciler.engine.values import Verdict

RowSelection: TypeAlias = "Collection[int] | str"
"""Messages of the outbox: by the numbers of their rows, or by the name of their digest."""


class OutboxRow(NamedTuple):
    """One message in the outbox.

    Attributes:
        not_before: earliest time of the next attempt, UTC.
        digest: names the messages that are sent as one, once that was decided.
    """

    row_id: int
    message: Message
    attempts: int = 0
    not_before: datetime | None = None
    error: str | None = None
    digest: str | None = None


class PendingCount(NamedTuple):
    """What one sink has not taken yet: how many messages, and the time of the oldest, UTC."""

    number: int
    oldest: datetime


class Outbox(Protocol):
    """Messages to the sinks. They are put in with the report that they tell of."""

    def pending(self, sink: str, limit: int) -> Sequence[OutboxRow]:
        """The oldest messages that are not sent, in their order; so many at most."""

    def open_messages(self, sink: str) -> Sequence[Message]:
        """The messages of the sink that told of an episode that goes on, and are sent."""

    def pending_counts(self) -> Mapping[str, PendingCount]:
        """What is not sent, by sink; a sink for which nothing waits is left out."""

    def assign_digest(self, sink: str, digest: str) -> None:
        """Has all that wait for the sink sent as one from now on: a repetition is then of the same ones."""

    def digest_counts(self, digest: str) -> Mapping[tuple[MessageKind, Verdict | None], int]:
        """How many messages a digest is made of, by what they say."""

    def mark_sent(self, which: RowSelection, at: datetime) -> None:
        """The sink has taken these messages."""

    def postpone(self, which: RowSelection, not_before: datetime, error: str) -> None:
        """An attempt to send these messages has failed."""

    def retain_sinks(self, sinks: Collection[str]) -> None:
        """Forgets what is of other sinks: nobody could send it."""
