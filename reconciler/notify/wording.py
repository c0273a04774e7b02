"""A notification in words, for people in a chat or reading mail; everything from outside is cleaned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.episodes import HELD
from reconciler.engine.values import Verdict
from reconciler.printable import printable
from reconciler.views.lines import place
from reconciler.views.words import WORDS

if TYPE_CHECKING:
    from reconciler.engine.episodes import Message
    from reconciler.notify.sink import Notification

LISTED = 20
"""So many messages of a digest are written out."""


def title(notification: Notification) -> str:
    """One line."""
    if notification.numbers:
        return f"{sum(notification.numbers.values())} models: {_numbers(notification)}"
    return headline(notification.messages[0])


def text(notification: Notification) -> str:
    """The lines below the title."""
    if not notification.numbers:
        return "\n".join(_lines(notification.messages[0]))
    lines = [_short(message) for message in notification.messages[:LISTED]]
    left = sum(notification.numbers.values()) - len(lines)
    return "\n".join([*lines, f"and {left} more: `reconciler status`"] if left else lines)


def headline(message: Message) -> str:
    """The message in one line."""
    name = printable(f"{message.subject.title} ({message.subject.target})")
    if message.kind == "test":
        return "reconciler: a trial message"
    if message.subject.model_name is None and Verdict.REFUSED in (message.verdict, message.was):
        word = (
            "the newest commit is not trusted and is held"
            if message.verdict
            else "no commit is held any more"
        )
        return f"{name}: {word}"
    if message.kind == "attention":
        return f"{name} is {message.verdict}"
    if message.verdict is None:
        return f"{name} is no longer declared; it was {message.was}"
    ended = "recovered" if message.verdict not in HELD else f"is {message.verdict} now"
    return f"{name} {ended}; it was {message.was}"


def _lines(message: Message) -> list[str]:
    lines = [f"{message.verdict}: {WORDS[message.verdict].meaning}"] if message.verdict else []
    lines += [printable(message.reason)] if message.reason else []
    lines += [printable(place(message.path, message.line))] if message.path else []
    if message.commit:
        by = f" by {printable(message.author.partition(' <')[0])}" if message.author else ""
        lines.append(f"commit {printable(message.commit[:12])}{by}")
    lines += [f"model id {printable(message.model_id)}"] if message.model_id else []
    word = "since" if message.kind == "attention" else "from"
    until = f" to {message.at:%Y-%m-%d %H:%M:%SZ}" if message.kind == "recovered" else ""
    return [*lines, f"{word} {message.began:%Y-%m-%d %H:%M:%SZ}{until}"]


def _short(message: Message) -> str:
    why = f": {printable(message.reason)}" if message.reason and message.kind == "attention" else ""
    return headline(message) + why


def _numbers(notification: Notification) -> str:
    parts = []
    for (kind, verdict), number in notification.numbers.items():
        now = verdict or "no longer declared"
        parts.append(f"{number} {now}" if kind == "attention" else f"{number} recovered ({now})")
    return ", ".join(parts)
