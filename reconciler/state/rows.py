r"""Events, entries and texts as the database holds them, and back; pure.

The facts that events and entries share are columns by their names. Rows are plain tuples in the order of
`EVENT_COLUMNS` and `ENTRY_COLUMNS`: tens of thousands of them are written and read at a time. Git's paths may
hold bytes that are not UTF-8 (as lone surrogates) and no database takes those, nor PostgreSQL a NUL: they are
stored as `\udcff`, and a backslash as two.
"""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.contract import lifecycle
from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import Event, EventKind, Facts, LedgerEntry, Phase, Stage
from reconciler.engine.values.journal import at_rest
from reconciler.state.errors import UnreadableState
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    _Put = Callable[[object, object], None]

_Kept = TypeVar("_Kept", Event, LedgerEntry)

Key = tuple[str, ModelKey]

_FACTS = tuple(fact.name for fact in fields(Facts))
_STAGE, _STATUS = _FACTS.index("stage"), _FACTS.index("model_status")
_MOMENTS = tuple(place for place, fact in enumerate(fields(Facts)) if "datetime" in str(fact.type))
_SHARED = ("target", "model_name", "model_version", *_FACTS)
EVENT_COLUMNS = (*_SHARED, "at", "kind", "cycle_id", "actor", "epoch")
ENTRY_COLUMNS = (*_SHARED, "phase", "last", "updated_at", "attempts", "disappearances", "at_rest")

_KIND = {kind.value: kind for kind in EventKind}
_PHASE = {phase.value: phase for phase in Phase}
_STAGES = {stage.value: stage for stage in Stage}


def _attributes(kind: type, *own: str) -> tuple[_Put, ...]:
    """What puts the attributes of a value in their places: its own, and the facts."""
    return tuple(getattr(kind, name).__set__ for name in (*own, *_FACTS))


_PUT_INTO_EVENT = _attributes(Event, "at", "kind", "target", "pair", "cycle_id", "actor", "epoch", "expected")
_PUT_INTO_ENTRY = _attributes(
    LedgerEntry, "target", "pair", "phase", "last", "updated_at", "attempts", "disappearances"
)


@lru_cache(maxsize=256)  # what happens together has one time
def stamp(moment: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds: equal widths, so that text sorts as time does.

    Raises:
        ValueError: the time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be stored: {moment!r}")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@lru_cache(maxsize=256)
def moment_of(text: str) -> datetime:
    """The time that `stamp` wrote, in UTC."""
    moment = read_time(text)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def event_row(event: Event) -> tuple[Any, ...]:
    """The journal's row for an event, without its `seq`."""
    facts = (stamp(event.at), event.kind.value, event.cycle_id, event.actor, event.epoch)
    return stored((*_shared(event), *facts))


def entry_row(entry: LedgerEntry) -> tuple[Any, ...]:
    """The ledger's row for an entry."""
    facts = (
        entry.phase.value,
        entry.last.value,
        stamp(entry.updated_at),
        entry.attempts,
        entry.disappearances,
        at_rest(entry),
    )
    return stored((*_shared(entry), *facts))


def event_of(row: Sequence[Any]) -> Event:
    """The event of a journal's row, which begins with its `seq`.

    Raises:
        UnreadableState: the row does not hold an event.
    """
    return _event(plain(row))


def events_of(rows: Sequence[Sequence[Any]]) -> list[Event]:
    """The events of many of the journal's rows. Raises UnreadableState."""
    return list(map(_event, all_plain(rows)))


def _event(row: Sequence[Any]) -> Event:
    try:
        _, target, name, version, *facts, at, kind, cycle_id, actor, epoch = row
        own = (moment_of(at), _KIND[kind], target, ModelKey(name, version), cycle_id, actor, epoch, None)
        return _made(Event, _PUT_INTO_EVENT, (*own, *_read(facts)))
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableState(f"line {row[0]} of the journal") from error


def entry_of(row: Sequence[Any]) -> LedgerEntry:
    """The entry of a ledger's row.

    Raises:
        UnreadableState: the row does not hold an entry.
    """
    try:
        target, name, version, *facts, phase, last, updated_at, attempts, disappearances, _ = plain(row)
        own = (_PHASE[phase], _KIND[last], moment_of(updated_at), attempts, disappearances)
        return _made(LedgerEntry, _PUT_INTO_ENTRY, (target, ModelKey(name, version), *own, *_read(facts)))
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableState(f"the ledger's row for {row[1]!r}@{row[2]!r}") from error


_facts = attrgetter(*_FACTS)


def _shared(value: Event | LedgerEntry) -> tuple[Any, ...]:
    facts = list(_facts(value))
    for place in _MOMENTS:
        facts[place] = None if facts[place] is None else stamp(facts[place])
    facts[_STAGE] = None if facts[_STAGE] is None else facts[_STAGE].value
    return (value.target, *value.pair, *facts)


def _made(kind: type[_Kept], put: Sequence[_Put], values: Sequence[Any]) -> _Kept:
    """A frozen value, of which hundreds of thousands are read: its constructor takes twice as long."""
    made = object.__new__(kind)
    for put_one, value in zip(put, values, strict=True):
        put_one(made, value)
    return made


def _read(facts: list[Any]) -> list[Any]:
    for place in _MOMENTS:
        facts[place] = None if facts[place] is None else moment_of(facts[place])
    if facts[_STAGE] is not None:
        facts[_STAGE] = _STAGES[facts[_STAGE]]
    elif facts[_STATUS] is not None:  # of a version before 5, which knew ModelArts alone
        facts[_STAGE] = Stage(lifecycle(facts[_STATUS]))
    return facts


# --- texts ---------------------------------------------------------------------------------------------

_UNSTORABLE = re.compile(r"[\\\x00\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(\\|u[0-9a-f]{4})")


def stored_text(text: str) -> str:
    """One text as it is stored."""
    return _UNSTORABLE.sub(_escape, text)


def plain_text(text: str) -> str:
    """The text of which `stored_text` made this one."""
    return _ESCAPE.sub(_unescape, text)


def _escape(match: re.Match[str]) -> str:
    return "\\\\" if match[0] == "\\" else f"\\u{ord(match[0]):04x}"


def _unescape(match: re.Match[str]) -> str:
    return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))


def stored(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row with its texts as the database holds them."""
    if _is_storable("".join([value for value in row if type(value) is str])):
        return row
    return tuple(stored_text(value) if type(value) is str else value for value in row)


def all_stored(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Many rows as `stored` makes each of them: looked at column by column, in less time."""
    is_storable = all(_is_storable(_joined(column)) for column in zip(*rows, strict=True))
    return rows if is_storable else list(map(stored, rows))


def _is_storable(text: str) -> bool:
    """Whether a text is held as it is; most are plain ASCII, which is quickly seen."""
    if text.isascii() and "\\" not in text and "\0" not in text:
        return True
    return _UNSTORABLE.search(text) is None


def plain(row: Sequence[Any]) -> Sequence[Any]:
    """The row of which `stored` made this one."""
    if "\\" not in "".join([value for value in row if type(value) is str]):
        return row
    return [plain_text(value) if type(value) is str else value for value in row]


def all_plain(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
    """Many rows as `plain` makes each of them: looked at column by column, in less time."""
    is_plain = not any("\\" in _joined(column) for column in zip(*rows, strict=True))
    return rows if is_plain else list(map(plain, rows))


def _joined(column: Sequence[Any]) -> str:
    try:
        return "".join(filter(None, column))
    except TypeError:  # of numbers
        return "".join([value for value in column if type(value) is str])
