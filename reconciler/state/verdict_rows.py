"""The newest verdicts as numbered rows, some at a time.

On a server, which other replicas write to, a row never changes: a new verdict is a new row. In a file a row
may come to say something else; it counts as one that was removed, with a new one of the same number.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reconciler.state import verdicts
from reconciler.state.tables import verdicts as table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.engine.values import ModelState
    from reconciler.state.database import Database

_NUMBERS_A_QUERY = 400
_COLUMNS = table.c


class VerdictRows:
    """Reads verdicts in pieces; get one from `SqlLedger.verdicts`. May be used from several threads.

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
        """Hears which rows were removed, once that is committed; kept only if somebody has asked before."""
        with self._lock:
            if self._removed is not None:
                self._removed.update(numbers)

    def after(self, number: int, limit: int) -> Sequence[tuple[int, ModelState]]:
        """The rows with greater numbers, lowest first; so many at most."""
        query = verdicts.ROWS.where(_COLUMNS.id > number).order_by(_COLUMNS.id).limit(limit)
        with self._database.reading() as connection:
            return verdicts.selected(connection, query)

    def numbered(self, numbers: Sequence[int]) -> Mapping[int, ModelState]:
        """The rows of these numbers, as far as they are there."""
        rows: dict[int, ModelState] = {}
        with self._database.reading() as connection:
            for start in range(0, len(numbers), _NUMBERS_A_QUERY):
                some = numbers[start : start + _NUMBERS_A_QUERY]
                rows.update(verdicts.selected(connection, verdicts.ROWS.where(_COLUMNS.id.in_(some))))
        return rows

    def of_name(self, target: str, name: str) -> tuple[ModelState, ...]:
        """Every model of one name in one target."""
        query = verdicts.ROWS.where(_COLUMNS.target == target, _COLUMNS.model_name == name)
        with self._database.reading() as connection:
            return tuple(item for _, item in verdicts.selected(connection, query))
