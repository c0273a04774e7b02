"""Which commits were reconciled, and where in the journal the first cycle of each began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, insert, select

from reconciler.engine.values import Reconciled
from reconciler.state.rows import moment_of, stamp
from reconciler.state.tables import journal, reconciled

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

_COLUMNS = reconciled.c


def note(connection: Connection, commit: str, at: datetime) -> None:
    """Notes that what is journalled from now on belongs to cycles of this commit, unless that is noted."""
    newest = select(_COLUMNS.commit).order_by(_COLUMNS.seq.desc()).limit(1)
    if connection.scalar(newest) == commit:
        return
    position = connection.scalar(select(func.max(journal.c.seq))) or 0
    connection.execute(insert(reconciled).values(at=stamp(at), commit=commit, position=position))


def newest(connection: Connection, condition: ColumnElement[bool]) -> Reconciled | None:
    """The newest of the rows of which this is true; None where there is none."""
    columns = (_COLUMNS.seq, _COLUMNS.commit, _COLUMNS.at)
    row = connection.execute(select(*columns).where(condition).order_by(_COLUMNS.seq.desc()).limit(1)).first()
    if row is None:
        return None
    seq, commit, at = row
    later = select(_COLUMNS.position, _COLUMNS.at).where(_COLUMNS.seq > seq).order_by(_COLUMNS.seq).limit(1)
    until, ended = connection.execute(later).first() or (None, None)
    return Reconciled(commit, moment_of(at), until, None if ended is None else moment_of(ended))
