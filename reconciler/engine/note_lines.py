"""What git's notes say of a commit: one canonical JSON line for each event that it caused. Pure.

A line is a function of its event alone, so that writing it twice, or by two writers, gives one line. It
begins with the time: lines that are sorted are in the order of what happened.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind, Facts, Stage
from reconciler.printable import escape_json
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN = tuple(fact.name for fact in fields(Facts) if fact.name not in ("commit", "not_before", "stage"))
_NUMBERS = frozenset(fact.name for fact in fields(Facts) if "int" in str(fact.type))
_LARGEST = 2**31 - 1
_MOMENT = "microseconds"


def note_line(event: Event) -> str:
    """The line of an event; what is not known is left out."""
    facts: dict[str, Any] = {
        "at": event.at.isoformat(timespec=_MOMENT),
        "event": event.kind.value,
        "target": event.target,
        "model_name": event.pair.model_name,
        "model_version": event.pair.model_version,
        "cycle_id": event.cycle_id,
        "not_before": event.not_before.isoformat(timespec=_MOMENT) if event.not_before else None,
        "by": event.actor,
        "stage": event.stage,
        **{name: getattr(event, name) for name in _PLAIN},
    }
    present = {name: value for name, value in facts.items() if value is not None}
    return escape_json(json.dumps(present, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def event_of(commit: str, line: str) -> Event | None:
    """The event that a line of a commit's note tells of; None where it is none."""
    try:
        facts = json.loads(line)
        not_before = facts.get("not_before")
        return Event(
            _moment(facts["at"]),
            EventKind(facts["event"]),
            _text(facts["target"]),
            ModelKey(_text(facts["model_name"]), _text(facts["model_version"])),
            _text(facts["cycle_id"]),
            commit=commit,
            not_before=None if not_before is None else _moment(not_before),
            actor=None if facts.get("by") is None else _text(facts["by"]),
            stage=None if facts.get("stage") is None else Stage(facts["stage"]),
            **{name: _fact(name, facts.get(name)) for name in _PLAIN},
        )
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def events_of(notes: Iterable[tuple[str, str]]) -> tuple[list[Event], int]:
    """The events that notes (a commit, and its text) tell of, in order; and how many lines tell of none."""
    lines = sorted((line, commit) for commit, text in notes for line in text.split("\n") if line)
    read = [event_of(commit, line) for line, commit in lines]
    events = [event for event in read if event is not None]
    return sorted(events, key=lambda event: event.at), len(read) - len(events)


def _moment(value: object) -> datetime:
    return read_time(_text(value)).astimezone(UTC)


def _fact(name: str, value: object) -> Any:  # noqa: ANN401 - a number or a text
    """A fact of an event, which every state can store. Raises TypeError, ValueError."""
    if value is None or name not in _NUMBERS:
        return value if value is None else _text(value)
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
