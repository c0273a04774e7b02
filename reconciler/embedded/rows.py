"""The rows of the table `models`, and the status that a row has at a moment.

The status of a model is never stored: it follows from its times, its outcome and the clock, so that an
import goes on while the registry is down. `STATUS` is the one place that says how.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

STATUS = """CASE
  WHEN :now < built_at THEN 'building'
  WHEN outcome = 'building_failed' THEN outcome
  WHEN :now < settled_at THEN 'publishing'
  ELSE outcome
END"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One registered model, column for column (see the database's schema for units)."""

    model_id: str
    project_id: str
    workspace_id: str
    model_name: str
    model_version: str
    version_rank: int
    model_type: str
    model_size: int
    description: str
    source_type: str
    source_copy: str | None
    install_type: str | None
    owner: str
    tenant: str
    created_at: int
    built_at: int | None
    settled_at: int
    outcome: str
    outcome_reason: str | None
    request_id: str
    request: str


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model with the status it has now."""

    model: Model
    status: str


_NAMES = tuple(field.name for field in fields(Model))
_COLUMNS = ", ".join(_NAMES)
_INSERT = f"INSERT INTO models ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608 - own names
_SELECT = f"SELECT {_COLUMNS}, {STATUS} FROM models WHERE model_id = :model_id AND project_id = :project_id"  # noqa: S608

_values = attrgetter(*_NAMES)


def insert(connection: sqlite3.Connection, models: Iterable[Model]) -> None:
    """Adds rows, inside a transaction. Raises sqlite3.Error when that fails."""
    connection.executemany(_INSERT, map(_values, models))


def select(connection: sqlite3.Connection, conditions: Mapping[str, object]) -> StoredModel | None:
    """The row with this `model_id` and `project_id`, as it stands at `now` (milliseconds since the epoch)."""
    row = connection.execute(_SELECT, conditions).fetchone()
    if row is None:
        return None
    *columns, status = row
    return StoredModel(Model(**dict(zip(_NAMES, columns, strict=True))), status)


def matches(model_name: str, pattern: str | None) -> bool:
    """Whether a shell-style pattern is given and the name is one of those it means."""
    return pattern is not None and fnmatchcase(model_name, pattern)
