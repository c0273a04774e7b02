"""What a sink is, what it is given, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from reconciler.engine.episodes import Message, Subject
from reconciler.engine.values import Verdict
from reconciler.errors import ConfigurationError, NoAnswerError, SinkError
from reconciler.http_request import send
from reconciler.views.masked import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.engine.episodes import MessageKind
    from reconciler.registry.exchange import Response
    from reconciler.secret import Secret

_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Notification:
    """What is sent at once: one message, or a bundle of many.

    Attributes:
        notification_id: stays the same when it is sent again: the message's, or the bundle's.
        messages: the one, or the first of a bundle.
        numbers: of a bundle, how many messages there are, by what they say; of one message, nothing.
    """

    notification_id: str
    at: datetime
    messages: tuple[Message, ...]
    numbers: Mapping[tuple[MessageKind, Verdict | None], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a sink takes.

    Attributes:
        per_minute: single messages; what is above goes into one bundle a minute.
        gap: seconds between two notifications, at least.
        batch: so many messages it takes at once, without a bundle; above 1 there is no limit a minute.
        refresh: seconds after which open messages are repeated; 0 for a sink that remembers them.
    """

    per_minute: int
    gap: float = 0.0
    batch: int = 1
    refresh: float = 0.0


class Sink(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """As the configuration names it."""

    @property
    def pace(self) -> Pace:
        """How much it takes."""

    async def deliver(self, notification: Notification) -> None:
        """Sends the notification, once.

        Raises:
            SinkError: it was not taken, or nobody knows.
        """


async def revealed(secret: Secret) -> str:
    """The secret as it is now. Raises SinkError."""
    try:
        return await secret.read()
    except ConfigurationError as error:
        raise SinkError(str(error)) from None


async def post(
    url: str, headers: Mapping[str, str], body: bytes, *secrets: str | None, in_clear: bool = False
) -> Response:
    """Sends one POST, once, to a web server that has to take it.

    No message repeats the URL or one of the `secrets`. `in_clear` allows http to other machines, too.

    Raises:
        SinkError: there was no answer, or the message was not taken.
    """
    try:
        answer = await send("POST", url, headers, body, in_clear=in_clear)
    except NoAnswerError as error:
        raise SinkError(str(error)) from None
    if answer.status not in _SUCCESS:
        why = excerpt(answer.body, url, *secrets)
        raise SinkError(f"HTTP {answer.status}{why}", retry_after=answer.retry_after)
    return answer


def trial(sink: str, at: datetime) -> Notification:
    """A notification to try a sink with."""
    subject = Subject("trial", "trial", "1.0.0", None)
    message = Message(
        sink, "test", subject, at, at, Verdict.FAILED, reason="a trial message: nothing has happened"
    )
    return Notification(message.message_id, at, (message,))
