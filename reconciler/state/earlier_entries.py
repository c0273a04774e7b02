"""The ledger as it was: its rows, but for those of pairs that something happened to later.

Only the events of these are folded. So a question about last night costs what happened since, and a reading
of the ledger; at worst, where all models changed since, one pass over the journal.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_

from reconciler.engine.fold import apply_event
from reconciler.state import archive, tables
from reconciler.state.bulk import asking, raw, select_rows
from reconciler.state.entries import rows_of_target
from reconciler.state.rows import entry_of, event_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.engine import Connection

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import LedgerEntry

_AT = archive.COLUMNS.index("at")
_PAIR = slice(archive.COLUMNS.index("model_name"), archive.COLUMNS.index("model_version") + 1)
_PAIRS = raw(tables.journal, ("model_name", "model_version")).distinct()

_Pair = tuple[str, ...]
"""Name and version as they are stored."""


@dataclass(frozen=True, slots=True)
class Until:
    """How far the journal is read.

    Attributes:
        position: number of the last event; None for the newest.
        at: what was journalled with a later time is left out, wherever it stands; as `rows.stamp` writes it.
    """

    position: int | None
    at: str

    def has(self, row: archive.Row) -> bool:
        """Whether an event is read."""
        number, at = row[0], row[_AT]
        return bool((self.position is None or number <= self.position) and at <= self.at)


def entries_until(connection: Connection, target: str, until: Until) -> dict[ModelKey, LedgerEntry]:
    """The entries of one target as the journal told them then; `connection` sees one moment of the state.

    Raises:
        UnreadableState: a row of the ledger, or of the journal, does not hold what it should.
    """
    changed = _changed_later(connection, target, until)
    by_pair: dict[ModelKey, LedgerEntry] = {}
    for row in rows_of_target(connection, target):
        if row[1:3] not in changed:
            entry = entry_of(row)
            by_pair[entry.pair] = entry
    return by_pair | _folded(connection, target, until, changed)


def _changed_later(connection: Connection, target: str, until: Until) -> set[_Pair]:
    """The pairs of which an event is not read."""
    columns = tables.journal.c
    beyond = [columns.at > until.at, *([columns.seq > until.position] if until.position is not None else [])]
    query = _PAIRS.where(columns.target == target, or_(*beyond))
    with closing(archive.archived_rows(asking(connection), target)) as rows:
        archived = {row[_PAIR] for row in rows if not until.has(row)}
    return archived.union(map(tuple, select_rows(connection, query)))


def _folded(
    connection: Connection, target: str, until: Until, pairs: Collection[_Pair]
) -> dict[ModelKey, LedgerEntry]:
    """The fold of what is read of these pairs."""
    by_pair: dict[_Pair, LedgerEntry] = {}
    if not pairs:
        return {}
    with closing(archive.rows(asking(connection), target=target)) as rows:
        for row in rows:
            pair = row[_PAIR]
            if pair in pairs and until.has(row):
                by_pair[pair] = apply_event(by_pair.get(pair), event_of(row))
    return {entry.pair: entry for entry in by_pair.values()}
