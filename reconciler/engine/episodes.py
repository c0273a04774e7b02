"""Which messages each sink gets: one when a model comes to need a human, and one when it recovers.

An episode begins when a model gets a verdict that needs a human, and ends when it gets another such verdict,
rests again, or is no longer declared; while another attempt is under way it goes on. What a sink was told is
kept as open episodes; it is compared with what a report says, so that a message is neither left out nor
repeated, also after a restart, and a new sink hears of what is bad already. Pure.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from reconciler.engine.values import UNDER_WAY, ModelState, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.contract.model_key import ModelKey

    Judged = Mapping[str, Collection[ModelKey] | None]
    """By target, the pairs that a report speaks of; None where it speaks of everything."""

MessageKind = Literal["attention", "recovered", "test"]

HELD = tuple(verdict for verdict in Verdict if verdict.is_held)
"""The verdicts that need a human; of several on one model, the first of them counts."""


class Subject(NamedTuple):
    """What a message is about; a model whose name is not known goes by its file."""

    target: str
    model_name: str | None
    model_version: str | None
    path: str | None

    @property
    def title(self) -> str:
        """`name@version`, or the file."""
        if self.model_name is None or self.model_version is None:
            return self.path or "?"
        return f"{self.model_name}@{self.model_version}"


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one sink wants to hear; None takes all.

    Attributes:
        targets: of those that are configured; what was told of another one has ended.
        models: patterns as of a shell, for a name or for `name@version`. A model whose name is not
            known fits any: nobody can say that it is somebody else's.
    """

    sink: str
    targets: frozenset[str] | None = None
    verdicts: frozenset[str] | None = None
    models: tuple[str, ...] | None = None

    def wants(self, item: ModelState) -> bool:
        """Whether the sink is to hear that this model has this verdict."""
        return (
            self.takes(item.target)
            and (self.verdicts is None or item.verdict in self.verdicts)
            and (self.models is None or item.model_name is None or self._names(item))
        )

    def takes(self, target: str) -> bool:
        """Whether the sink is to hear of the models of this target."""
        return self.targets is None or target in self.targets

    def _names(self, item: ModelState) -> bool:
        names = (item.model_name or "", item.title)
        return any(fnmatchcase(name, pattern) for pattern in self.models or () for name in names)


class Episode(NamedTuple):
    """An open one, of which a sink was told, or is about to be.

    Attributes:
        began: since when the verdict stands; UTC.
    """

    sink: str
    subject: Subject
    began: datetime
    verdict: Verdict

    @property
    def message_id(self) -> str:
        """That of the message which told of it."""
        return _message_id(self.subject, self.began, self.sink, "attention")


@dataclass(frozen=True, slots=True)
class Message:
    """What one sink is told about one model.

    Attributes:
        kind: `attention`, `recovered`, or `test` for a trial.
        at: when the report was saved that says so; UTC.
        began: of the episode; UTC.
        verdict: the model's now; None when it is neither declared nor registered any more.
        was: the verdict before, when that needed a human, too.
        commit: the one that gave the manifest its content.
    """

    sink: str
    kind: MessageKind
    subject: Subject
    began: datetime
    at: datetime
    verdict: Verdict | None
    was: Verdict | None = None
    code: str | None = None
    reason: str | None = None
    line: int | None = None
    path: str | None = None
    commit: str | None = None
    author: str | None = None
    model_id: str | None = None

    @property
    def message_id(self) -> str:
        """The same for the same subject, episode, sink and kind: what a receiver knows a repetition by."""
        return _message_id(self.subject, self.began, self.sink, self.kind)


def _message_id(subject: Subject, began: datetime, sink: str, kind: MessageKind) -> str:
    moment = began.astimezone(UTC).isoformat(timespec="microseconds")
    key = json.dumps([*subject, moment, sink, kind])
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


class OutboxUpdate(NamedTuple):
    """What a report changes: messages to send, and episodes that have ended."""

    messages: tuple[Message, ...] = ()
    ended: tuple[Episode, ...] = ()


def outbox_update(
    episodes: Iterable[Episode],
    items: Sequence[ModelState],
    judged: Judged,
    subscriptions: Iterable[Subscription],
    now: datetime,
) -> OutboxUpdate:
    """What each sink is to be told.

    `judged` says of which models the report speaks; what is invalid is always spoken of.
    """
    messages: list[Message] = []
    ended: list[Episode] = []
    every = list(episodes)
    held = [item for item in items if item.verdict.is_held]
    current = _verdicts(items, {episode.subject for episode in every})
    for subscription in subscriptions:
        open_episodes = {
            episode.subject: episode
            for episode in every
            if episode.sink == subscription.sink
            and (_is_judged(episode, judged) or not subscription.takes(episode.subject.target))
        }
        for subject, item in _most_urgent(filter(subscription.wants, held)).items():
            before = open_episodes.pop(subject, None)
            if before is None or (before.verdict, before.began) != (item.verdict, item.since or before.began):
                messages.append(_attention(subscription.sink, subject, item, before, now))
                ended += [before] if before else []
        for before in open_episodes.values():
            item_now = current.get(before.subject)
            # one whose import is under way has not recovered yet
            if item_now is None or item_now.verdict not in UNDER_WAY:
                messages.append(_recovered(before, item_now, now))
                ended.append(before)
    return OutboxUpdate(tuple(messages), tuple(ended))


def _most_urgent(held: Iterable[ModelState]) -> dict[Subject, ModelState]:
    """By model, what is most urgent of it."""
    by_subject: dict[Subject, ModelState] = {}
    for item in sorted(held, key=lambda item: HELD.index(item.verdict)):
        by_subject.setdefault(subject_of(item), item)
    return by_subject


def _verdicts(items: Iterable[ModelState], subjects: Collection[Subject]) -> dict[Subject, ModelState]:
    targets = {subject.target for subject in subjects}
    by_subject = ((subject_of(item), item) for item in items if item.target in targets)
    return {subject: item for subject, item in by_subject if subject in subjects}


def _is_judged(episode: Episode, judged: Judged) -> bool:
    target, name, version, _ = episode.subject
    if target not in judged:
        return False
    pairs = judged[target]
    return (
        pairs is None
        or name is None
        or version is None
        or episode.verdict is Verdict.INVALID
        or (name, version) in pairs
    )


def subject_of(item: ModelState) -> Subject:
    """What is said of a model is about this."""
    path = item.path if item.model_name is None or item.model_version is None else None
    return Subject(item.target, item.model_name, item.model_version, path)


def _attention(
    sink: str, subject: Subject, item: ModelState, before: Episode | None, now: datetime
) -> Message:
    return Message(
        sink,
        "attention",
        subject,
        item.since or now,
        now,
        item.verdict,
        before.verdict if before else None,
        **_facts(item),
    )


def _recovered(before: Episode, item: ModelState | None, now: datetime) -> Message:
    verdict = item.verdict if item else None
    facts = _facts(item) if item else {}
    return Message(
        before.sink, "recovered", before.subject, before.began, now, verdict, before.verdict, **facts
    )


def _facts(item: ModelState) -> dict[str, Any]:
    reason = next(iter(item.reasons), None)
    return {
        "code": reason.code if reason else None,
        "reason": reason.message if reason else None,
        "line": item.line,
        "path": item.path,
        "commit": item.commit,
        "author": item.author,
        "model_id": item.model_id,
    }


RowSelection: TypeAlias = "Collection[int] | str"
"""Messages of the outbox: by the numbers of their rows, or by the id of their bundle."""


class OutboxRow(NamedTuple):
    """One message in the outbox.

    Attributes:
        not_before: earliest time of the next attempt, UTC.
        bundle: the id of the messages that are sent as one, once that was decided.
    """

    row_id: int
    message: Message
    attempts: int = 0
    not_before: datetime | None = None
    error: str | None = None
    bundle: str | None = None


class PendingCount(NamedTuple):
    """What one sink has not taken yet: how many messages, and the time of the oldest, UTC."""

    number: int
    oldest: datetime
