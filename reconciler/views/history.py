"""Git joined with the journal: who declared a model, when, and what became of it; rows, text and JSON."""

from __future__ import annotations

from collections import defaultdict
from json.encoder import encode_basestring
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract import version_key
from reconciler.contract.model_key import ModelKey
from reconciler.engine.reasons import other_content
from reconciler.engine.values import Event, EventKind
from reconciler.printable import printable
from reconciler.times import shown_time
from reconciler.views.lines import painter, template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.engine.values import CommitInfo, FileChange
    from reconciler.views.lines import Tone

_Key = tuple[str, ModelKey]

_TONES: dict[EventKind, Tone] = {
    EventKind.IMPORTED: "good",
    EventKind.ADOPTED: "good",
    EventKind.PUBLISHED: "good",
    EventKind.REJECTED: "bad",
    EventKind.FAILED: "bad",
    EventKind.DRIFTED: "warning",
    EventKind.MISSING: "warning",
    EventKind.UNKNOWN: "warning",
}
_at = attrgetter("at")
_EVENT_WIDTH = max(len(kind) for kind in EventKind)
_ROW = template(
    ("target", "model_name", "model_version", "path", "commit", "author", "authored_at", "subject", "events"),
    "\n  ",
)
_EVENT = template(("at", "event", "cycle_id", "commit", "model_id", "request_id", "detail"), "\n      ")


class Declaration(NamedTuple):
    """One model, and what commits of the branch did to its document, newest first."""

    target: str
    pair: ModelKey
    changes: Sequence[FileChange]


class HistoryRow(NamedTuple):
    """One commit of one model, with what became of it; None where something is not known.

    Attributes:
        path: the file that declares the model after the commit, or before a deletion.
        authored_at, subject: None also of a commit that the branch does not have (any more).
        deleted: whether the commit took the model out of that file.
        events: what the journal tells of the model as this commit declared it, oldest first.
    """

    target: str
    pair: ModelKey
    path: str | None = None
    commit: str | None = None
    author: str | None = None
    authored_at: datetime | None = None
    subject: str | None = None
    deleted: bool = False
    events: tuple[Event, ...] = ()


class RowFilter(NamedTuple):
    """Which rows of a history are wanted; None takes all.

    Attributes:
        model_id: rows with an event that names this model.
        since, until: rows whose commit was authored, or of which anything happened, in that time; both
            included.
        author: a part of `Name <email>`, whatever the case of its letters.
    """

    commit: str | None = None
    model_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    author: str | None = None

    @property
    def is_never(self) -> bool:
        """Whether the time ends before it begins."""
        return self.since is not None and self.until is not None and self.until < self.since

    def admits(self, row: HistoryRow) -> bool:
        """Whether the row is wanted."""
        return (
            self.commit in (None, row.commit)
            and (self.model_id is None or any(event.model_id == self.model_id for event in row.events))
            and (self.author is None or self.author.casefold() in (row.author or "").casefold())
            and (self.since is self.until is None or any(map(self._is_within, _moments(row))))
        )

    def _is_within(self, moment: datetime) -> bool:
        early = self.since is not None and moment < self.since
        return not early and (self.until is None or moment <= self.until)


def rows(
    models: Iterable[Declaration], events: Iterable[Event], named: Mapping[str, CommitInfo] | None = None
) -> tuple[HistoryRow, ...]:
    """Joins the commits of each model with its events.

    An event stands with the commit it names. Where that is none of the model's, the events that name it are a
    row of their own, with what the branch or else the journal knows of the commit. Sorted by target, name and
    version (as numbers), then newest commit first. `named` are commits of the branch that events name.
    """
    journal: defaultdict[_Key, list[Event]] = defaultdict(list)
    for event in events:
        journal[event.target, event.pair].append(event)
    changes: defaultdict[_Key, list[FileChange]] = defaultdict(list)
    for model in models:
        changes[model.target, model.pair] += model.changes
    result: list[HistoryRow] = []
    for key in sorted({key for key, of_pair in changes.items() if of_pair} | journal.keys(), key=_order):
        result += _of_one_model(key, changes.get(key, ()), journal.get(key, ()), named or {})
    return tuple(result)


def text(history: Iterable[HistoryRow], *, colour: bool = False) -> Iterator[str]:
    """For a terminal, row after row: a heading a model, a line a commit, what became of it below."""
    paint = painter(colour=colour)
    words = {kind: paint(f"{kind.value:<{_EVENT_WIDTH}}", _TONES.get(kind, "busy")) for kind in EventKind}
    heading = None
    for row in history:
        lines = [_commit_line(row), *[_event_line(event, words[event.kind]) for event in row.events], ""]
        if (row.target, row.pair) != heading:
            title = f"{paint(printable(str(row.pair)), 'bold')}  ({printable(row.target)})"
            lines = [*([""] if heading else []), title, *lines]
            heading = (row.target, row.pair)
        yield "\n".join(lines)


def _event_line(event: Event, word: str) -> str:
    """When, what, and the ids it can be traced by, in one line."""
    facts = [
        f"id {event.model_id}" if event.model_id else None,
        f"request {event.request_id}" if event.request_id else None,
        f"cycle {event.cycle_id}" if event.cycle_id else None,
        detail(event),
    ]
    return f"      {shown_time(event.at)}  {word}  {printable('  '.join(filter(None, facts)))}"


def _order(key: _Key) -> tuple[Any, ...]:
    target, (name, version) = key
    return target, name, version_key(version), version


def _of_one_model(
    key: _Key, changes: Sequence[FileChange], events: Sequence[Event], named: Mapping[str, CommitInfo]
) -> list[HistoryRow]:
    by_commit: dict[str | None, list[Event]] = {}
    for event in sorted(events, key=_at):
        by_commit.setdefault(event.commit, []).append(event)
    files: dict[str | None, list[str]] = {}
    for change in changes:
        files.setdefault(change.commit_info.commit, []).append(change.path)
    joined: list[HistoryRow] = []
    for change in changes:
        path, made = change.path, change.commit_info
        of_file = _of_file(path, files[made.commit], by_commit.get(made.commit, ()))
        joined.append(_of_commit(key, path, made, of_file, deleted=change.deleted))
    for commit in by_commit.keys() - files.keys():
        row = _alone(key, commit, by_commit[commit], named)
        older = (n for n, other in enumerate(joined) if _moment(other) <= _moment(row))
        joined.insert(next(older, len(joined)), row)
    return joined


def _of_file(path: str, files: Sequence[str], events: Sequence[Event]) -> Sequence[Event]:
    """Those of a commit's events that are about a file, or about none of the commit's."""
    if len(files) == 1:
        return events
    return [event for event in events if (event.path if event.path in files else files[0]) == path]


def _alone(
    key: _Key, commit: str | None, events: Sequence[Event], named: Mapping[str, CommitInfo]
) -> HistoryRow:
    """The row of a commit that did nothing to the document in this branch, as far as it is known."""
    path = next((event.path for event in events if event.path), None)
    if commit is not None and commit in named:
        return _of_commit(key, path, named[commit], events)
    author = next((event.author for event in events if event.author), None)
    return HistoryRow(*key, path, commit, author, events=tuple(events))


def _of_commit(
    key: _Key, path: str | None, made: CommitInfo, events: Sequence[Event], *, deleted: bool = False
) -> HistoryRow:
    target, pair = key
    commit, author, authored_at, subject = made
    return HistoryRow(target, pair, path, commit, author, authored_at, subject, deleted, tuple(events))


def _moments(row: HistoryRow) -> list[datetime]:
    return [*filter(None, [row.authored_at]), *(event.at for event in row.events)]


def _moment(row: HistoryRow) -> datetime:
    return row.authored_at or row.events[0].at


def in_words(event: Event) -> str | None:
    """What the event says beside its kind and ids."""
    if event.kind is EventKind.DRIFTED and event.detail is not None:
        return other_content(event.detail)
    return event.detail or None


def detail(event: Event) -> str | None:
    """What the event says in words, and who asked for it."""
    words = None if event.detail is None else in_words(event)
    if not event.actor:
        return words
    asked = f"asked for by {event.actor}"
    return f"{words}; {asked}" if words else asked


def _commit_line(row: HistoryRow) -> str:
    if row.commit is None:
        return "  (no commit is known)"
    line = next((f":{event.line}" for event in row.events if event.line and event.path == row.path), "")
    path = f"{row.path or '?'}{' (deleted)' if row.deleted else line}"
    when = shown_time(row.authored_at) if row.authored_at else "not in the branch"
    subject = "" if row.subject is None else f"  {row.subject}"
    return printable(f"  {row.commit[:12]}  {when}  {row.author or '?'}  {path}{subject}")


def json_texts(history: Iterable[HistoryRow]) -> Iterator[str]:
    """The objects of the list that `history --output json` prints; times are ISO 8601 with an offset."""
    return map(_row_text, history)


def _row_text(row: HistoryRow) -> str:
    authored_at = None if row.authored_at is None else row.authored_at.isoformat()
    facts = (row.target, *row.pair, row.path, row.commit, row.author, authored_at, row.subject)
    events = ",\n      ".join(map(_event_text, row.events))
    return _ROW % (*map(_text, facts), f"[\n      {events}\n    ]" if events else "[]")


def _event_text(event: Event) -> str:
    at, words = event.at.isoformat(), detail(event)
    facts = (at, event.kind, event.cycle_id, event.commit, event.model_id, event.request_id, words)
    return _EVENT % tuple(map(_text, facts))


def _text(fact: str | None) -> str:
    return "null" if fact is None else encode_basestring(fact)
