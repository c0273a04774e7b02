"""The newest verdicts, written: of what differs, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, delete, update

from reconciler.engine.values import Verdict
from reconciler.state.bulk import batches, execute_many, insert_rows, is_file
from reconciler.state.tables import verdicts
from reconciler.state.texts import all_stored
from reconciler.state.verdicts import COLUMNS, Row, plain_rows, rows_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from sqlalchemy.engine import Connection
    from sqlalchemy.sql.expression import Update

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import ModelState

_IDS_A_QUERY = 400
_named = itemgetter(*map(COLUMNS.index, ("verdict", "model_name", "model_version", "path", "line")))


class Changes(NamedTuple):
    """What has to be written so that some items stand.

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


def replace(
    connection: Connection,
    items_by_target: Mapping[str, tuple[Collection[ModelKey] | None, list[ModelState]]],
) -> Changes:
    """What has to be written so that these items stand.

    Args:
        connection: to read what stands now.
        items_by_target: by target, the pairs that are spoken of (None for all), and the items there are now.
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
    """Adds what makes these rows those of these items."""
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
            differ = [name for name, old, new in zip(COLUMNS, row, now[-1], strict=True) if old != new]
            columns = tuple(differ)
            changes.other[columns].append((*_picked(columns)(now[-1]), row_id))
        else:
            changes.gone.append(row_id)
    changes.new.extend(item for there in by_name.values() for item in there)


def _name(verdict: str, name: str | None, version: str | None, path: str | None, line: int | None) -> Row:
    """What hardly two items of a target have in common, and a model keeps wherever it is declared.

    Very many invalid documents may declare one model.
    """
    return (path, line) if verdict == Verdict.INVALID or name is None else (name, version)


@lru_cache
def _picked(columns: tuple[str, ...]) -> Callable[[Row], Row]:
    """Gives the values of these columns."""
    places = list(map(COLUMNS.index, columns))
    return lambda row: tuple([row[place] for place in places])


def write(connection: Connection, changes: Changes) -> None:
    """Carries out what `replace` said."""
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
