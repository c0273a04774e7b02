"""The newest verdict on each model: read from its row, and written where it differs."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from functools import lru_cache
from itertools import chain
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, func, select, update

from reconciler.engine.reasons import COMPARED_LATER
from reconciler.engine.values import Difference, ModelState, Verdict
from reconciler.manifest.values import Reason, reason_of, row_of
from reconciler.state.errors import UnreadableState
from reconciler.state.raw_rows import (
    KEY,
    Query,
    batches,
    by_column,
    execute_many,
    given,
    insert_rows,
    is_file,
    raw_query,
    select_rows,
    stream_rows,
)
from reconciler.state.rows import all_plain, all_stored, moment_of, stamp, stored
from reconciler.state.tables import NOT_IN_SYNC, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.expression import Update

    from reconciler.contract.model_key import ModelKey
    from reconciler.state.database import Database

_IN_DETAILS = ("reasons", "diff", "since", "next_attempt_at")  # each other fact has a column of its own
_FACTS = tuple(name for name in ModelState._fields if name not in _IN_DETAILS)
COLUMNS = (*_FACTS, "told", "since")
_facts = attrgetter(*_FACTS)
ROWS = raw_query(verdicts, ("id", *COLUMNS))
"""Every row, for `selected`."""
_COMPARED_LATER = ""
VERDICTS = {verdict.value: verdict for verdict in Verdict}
_IDS_A_QUERY = 400
_OF_PAIR = tuple(verdicts.c[name] == bindparam(name) for name in KEY)
_OF_PAIRS = tuple(verdicts.c[name] == given(verdicts).c[name] for name in KEY)

Row = tuple[Any, ...]
"""The columns of `COLUMNS`."""


def items(connection: Connection, *, whole: bool) -> tuple[ModelState, ...]:
    """Every stored item, in order; those in sync only with `whole`."""
    query = ROWS if whole else ROWS.where(NOT_IN_SYNC)
    return tuple(sorted((item for _, item in selected(connection, query)), key=ModelState.sort_key))


def selected(connection: Connection, query: Query) -> list[tuple[int, ModelState]]:
    """The items of these of the `ROWS`, with the rows' ids."""
    return [(row[0], _item(row[1:])) for row in plain_rows(stream_rows(connection, query))]


def counted(connection: Connection) -> dict[tuple[str, Verdict], int]:
    """How many items there are, by target and verdict."""
    columns = verdicts.c
    others = select(columns.target, columns.verdict, func.count()).where(NOT_IN_SYNC)
    numbers = {
        (target, Verdict(verdict)): number
        for target, verdict, number in connection.execute(others.group_by(columns.target, columns.verdict))
    }
    all_there_are = select(columns.target, func.count()).group_by(columns.target)
    for target, number in connection.execute(all_there_are).all():
        in_sync = number - sum(one for (of, _), one in numbers.items() if of == target)
        numbers |= {(target, Verdict.IN_SYNC): in_sync} if in_sync else {}
    return numbers


def rows_of(
    connection: Connection, target: str, pairs: Collection[ModelKey] | None, columns: tuple[str, ...]
) -> Iterator[Row]:
    """These columns of the rows about these pairs, and about what is invalid or refused as a whole."""
    query, ours = raw_query(verdicts, columns), verdicts.c
    mine = query.where(ours.target == target)
    if pairs is None:
        yield from stream_rows(connection, mine)
        return
    invalid, refused = (ours.verdict == verdict.value for verdict in (Verdict.INVALID, Verdict.REFUSED))
    yield from select_rows(connection, mine.where(invalid, NOT_IN_SYNC))
    yield from select_rows(connection, mine.where(refused, NOT_IN_SYNC, ours.model_name.is_(None)))
    yield from of_pairs(connection, target, pairs, query.where(~invalid))


def of_pairs(connection: Connection, target: str, pairs: Collection[ModelKey], query: Query) -> Iterator[Row]:
    """The rows of a query about these pairs; in a file, by one query a pair."""
    keys = ((target, *pair) for pair in pairs)
    if is_file(connection):
        of_pair = query.where(*_OF_PAIR)
        for key in keys:
            yield from select_rows(connection, of_pair, dict(zip(KEY, key, strict=True)))
        return
    of_pairs = query.where(*_OF_PAIRS)
    for some in batches(map(stored, keys)):
        yield from select_rows(connection, of_pairs, by_column(KEY, some))


def plain_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows with their texts as they were before they were stored."""
    return (tuple(row) for some in batches(rows) for row in all_plain(some))


def values_of(item: ModelState) -> Row:
    """What the database holds of an item, before it is stored."""
    target, verdict, *facts = _facts(item)
    since = None if item.since is None else stamp(item.since)
    return (target, verdict.value, *facts, _details(item), since)


def _details(item: ModelState) -> str | None:
    """The column `told`: None or an empty text for what very many models may have in common."""
    if item.diff or item.next_attempt_at is not None:
        next_attempt = None if item.next_attempt_at is None else stamp(item.next_attempt_at)
        diff = [[one.field, one.declared, one.registered] for one in item.diff]
        return _as_json(item.reasons, diff, next_attempt)
    if item.reasons not in ((), COMPARED_LATER):
        return _reasons_alone(item.reasons)
    return _COMPARED_LATER if item.reasons else None


@lru_cache(maxsize=256)
def _reasons_alone(reasons: tuple[Reason, ...]) -> str:
    return _as_json(reasons, [], None)


def _as_json(reasons: tuple[Reason, ...], diff: list[list[Any]], next_attempt: str | None) -> str:
    document = {"reasons": list(map(row_of, reasons)), "diff": diff, "next": next_attempt}
    return json.dumps(document, separators=(",", ":"))


def _item(row: Row) -> ModelState:
    *values, text, since = row
    facts = dict(zip(_FACTS, values, strict=True))
    try:
        facts["verdict"] = VERDICTS[facts["verdict"]]
        reasons, diff, next_attempt = _read_details(text)
        moment = None if since is None else moment_of(since)
        return ModelState(**facts, reasons=reasons, diff=diff, since=moment, next_attempt_at=next_attempt)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableState("the last report") from error


def _read_details(text: str | None) -> tuple[tuple[Reason, ...], tuple[Difference, ...], datetime | None]:
    """The reasons, the differences and the next attempt that `_details` made this of."""
    if text is None:
        return (), (), None
    if text == _COMPARED_LATER:
        return COMPARED_LATER, (), None
    document = json.loads(text)
    reasons = tuple(map(reason_of, document["reasons"]))
    diff = tuple(Difference(*one) for one in document["diff"])
    return reasons, diff, None if document["next"] is None else moment_of(document["next"])


class VerdictRows:
    """Reads verdicts in pieces; get one from `SqlLedger.verdicts`. May be used from several threads.

    On a server, which other replicas write to, a row never changes: a new verdict is a new row. In a file a
    row may come to say something else; it counts as one that was removed, with a new one of the same number.
    Every method that reads raises StateError when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._removed: set[int] | None = None

    def removed(self) -> set[int]:
        """The numbers of rows that this process removed since the last time it was asked.

        A number of them may be that of a new row by now. The first time there are none.
        """
        with self._lock:
            numbers, self._removed = self._removed or set(), set()
            return numbers

    def note_removed(self, numbers: Collection[int]) -> None:
        """Notes which rows a committed transaction removed; only once `removed` has been called."""
        with self._lock:
            if self._removed is not None:
                self._removed.update(numbers)

    def after(self, number: int, limit: int) -> Sequence[tuple[int, ModelState]]:
        """The rows with greater numbers, lowest first; so many at most."""
        query = ROWS.where(verdicts.c.id > number).order_by(verdicts.c.id).limit(limit)
        with self._database.reading() as connection:
            return selected(connection, query)

    def numbered(self, numbers: Sequence[int]) -> Mapping[int, ModelState]:
        """The rows of these numbers, as far as they are there."""
        rows: dict[int, ModelState] = {}
        with self._database.reading() as connection:
            for start in range(0, len(numbers), _IDS_A_QUERY):
                some = numbers[start : start + _IDS_A_QUERY]
                rows.update(selected(connection, ROWS.where(verdicts.c.id.in_(some))))
        return rows

    def of_name(self, target: str, name: str) -> tuple[ModelState, ...]:
        """Every model of one name in one target."""
        query = ROWS.where(verdicts.c.target == target, verdicts.c.model_name == name)
        with self._database.reading() as connection:
            return tuple(item for _, item in selected(connection, query))


# --- written --------------------------------------------------------------------------------------------

_named = itemgetter(*map(COLUMNS.index, ("verdict", "model_name", "model_version", "path", "line")))


class Changes(NamedTuple):
    """What has to be written so that the table holds some items.

    Attributes:
        gone: ids of rows to remove.
        new: items to add.
        other: by the columns in which rows are to differ, the new values of each, and its id.
    """

    gone: list[int]
    new: list[ModelState]
    other: dict[tuple[str, ...], list[Row]]

    @property
    def replaced(self) -> list[int]:
        """The ids of rows that are not what they were."""
        return [*self.gone, *(row[-1] for rows in self.other.values() for row in rows)]

    def __bool__(self) -> bool:
        return any(self)


def changes_to(
    connection: Connection,
    items_by_target: Mapping[str, tuple[Collection[ModelKey] | None, list[ModelState]]],
) -> Changes:
    """What has to be written so that the table holds these items.

    Args:
        connection: to read what stands now.
        items_by_target: by target, the pairs that the items are about (None for all), and the items.
    """
    changes = Changes([], [], defaultdict(list))
    for target, (pairs, items) in items_by_target.items():
        rows = plain_rows(rows_of(connection, target, pairs, ("id", *COLUMNS)))
        first = next(rows, None)
        if first is None:
            changes.new.extend(items)
        else:
            # to other replicas of a server's a row never changes: they tell by its id whether they know it
            _differ(chain([first], rows), items, changes, in_place=is_file(connection))
    return changes


def _differ(rows: Iterable[Row], items: Iterable[ModelState], changes: Changes, *, in_place: bool) -> None:
    """Adds to `changes` what turns these rows into those of these items."""
    by_name: defaultdict[Row, list[ModelState]] = defaultdict(list)
    for item in items:
        by_name[_name(item.verdict, item.model_name, item.model_version, item.path, item.line)].append(item)
    for row_id, *values in rows:  # none of them is kept: of very many, they take more memory than the items
        row = tuple(values)
        there = by_name.get(_name(*_named(row)), [])
        now = [values_of(item) for item in there]
        if row in now:
            del there[now.index(row)]
        elif there and in_place:
            there.pop()
            pairs = zip(COLUMNS, row, now[-1], strict=True)
            columns = tuple([name for name, old, new in pairs if old != new])
            changes.other[columns].append((*_picked(columns)(now[-1]), row_id))
        else:
            changes.gone.append(row_id)
    changes.new.extend(item for there in by_name.values() for item in there)


def _name(verdict: str, name: str | None, version: str | None, path: str | None, line: int | None) -> Row:
    """A key that is nearly unique in a target, and that a model keeps when its manifest moves.

    Very many invalid documents may declare one model.
    """
    return (path, line) if verdict == Verdict.INVALID or name is None else (name, version)


@lru_cache
def _picked(columns: tuple[str, ...]) -> Callable[[Row], Row]:
    """Gives the values of these columns."""
    places = list(map(COLUMNS.index, columns))
    return lambda row: tuple([row[place] for place in places])


def write(connection: Connection, changes: Changes) -> None:
    """Carries out what `changes_to` said."""
    for start in range(0, len(changes.gone), _IDS_A_QUERY):
        chunk = changes.gone[start : start + _IDS_A_QUERY]
        connection.execute(delete(verdicts).where(verdicts.c.id.in_(chunk)))
    for columns, rows in changes.other.items():
        for some in batches(rows):
            execute_many(connection, _update(columns), all_stored(some))
    for items in batches(changes.new):  # rows are made of some after the others: there may be very many
        insert_rows(connection, verdicts, COLUMNS, all_stored(list(map(values_of, items))))


@lru_cache
def _update(columns: tuple[str, ...]) -> Update:
    """Writes these columns of a row alone: an index on others is left as it is."""
    changed: list[tuple[Any, Any]] = [(verdicts.c[name], bindparam(f"new_{name}")) for name in columns]
    return update(verdicts).ordered_values(*changed).where(verdicts.c.id == bindparam("row"))
