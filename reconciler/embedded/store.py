"""Registered models in the database. Every function here runs in the database's thread.

The status of a model is never stored: it follows from its times, its outcome and the clock, so that an
import goes on while the registry is down. `_STATUS` is the one place that says how.
"""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from reconciler.embedded.answers import EXISTS, NO_SUCH_MODEL, NOT_STORED, QUOTA_REACHED, VendorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.embedded.database import Database
    from reconciler.embedded.settings import CascadeOrder, EmbeddedSettings

_STATUS = """CASE
  WHEN :now < built_at THEN 'building'
  WHEN outcome = 'building_failed' THEN outcome
  WHEN :now < settled_at THEN 'publishing'
  ELSE outcome
END"""

_CASCADE = 20  # models one delete call removes at most, as documented

_DIRECTIONS: Mapping[CascadeOrder, str] = {"oldest": "ASC", "newest": "DESC"}

SortKey = Literal["create_at", "model_version", "model_size"]
_ORDER: Mapping[SortKey, str] = {
    "create_at": "created_at {0}, sequence {0}",
    "model_version": "version_rank {0}, model_name {0}, sequence {0}",
    "model_size": "model_size {0}, sequence {0}",
}


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
class Standing:
    """A model with the status it has now."""

    model: Model
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a list call asks for; None asks for nothing.

    Attributes:
        name_like, description_like: patterns of SQL's LIKE, with the backslash as the escape.
        skip, take: how many matches to pass over, and how many to return.
    """

    project_id: str
    workspace_id: str
    name: str | None = None
    name_like: str | None = None
    description_like: str | None = None
    model_version: str | None = None
    model_type: str | None = None
    not_model_type: str | None = None
    status: str | None = None
    sort_by: SortKey = "create_at"
    descending: bool = True
    skip: int = 0
    take: int = 1000


_NAMES = tuple(field.name for field in fields(Model))
_COLUMNS = ", ".join(_NAMES)
_INSERT = f"INSERT INTO models ({_COLUMNS}) VALUES (:{', :'.join(_NAMES)})"  # noqa: S608 - own names only
_SELECT = f"SELECT {_COLUMNS}, {_STATUS} AS status FROM models"  # noqa: S608 - own names only

_CONDITIONS = {
    "name": "model_name = :name",
    "name_like": "model_name LIKE :name_like ESCAPE '\\'",
    "description_like": "description LIKE :description_like ESCAPE '\\'",
    "model_version": "model_version = :model_version",
    "model_type": "model_type = :model_type COLLATE NOCASE",
    "not_model_type": "model_type <> :not_model_type COLLATE NOCASE",
    "status": f"{_STATUS} = :status",
    "listed_until": "created_at <= :listed_until",
}


def matches(model_name: str, pattern: str | None) -> bool:
    """Whether a shell-style pattern is given and the name is one of those it means."""
    return pattern is not None and fnmatchcase(model_name, pattern)


class Store:
    """The models of all projects."""

    def __init__(self, database: Database, settings: EmbeddedSettings) -> None:
        self._database = database
        self._settings = settings

    def add(self, model: Model) -> None:
        """Registers a model, in one transaction; it is on disk on return.

        Raises:
            VendorError: the name and version are taken, the project is full, or the disk refused.
        """
        faults = self._settings.faults
        try:
            with self._database.writing() as connection:
                if not (faults and faults.accept_duplicates):
                    self._check_pair(connection, model)
                self._check_quota(connection, model)
                connection.execute(_INSERT, asdict(model))
        except sqlite3.Error as error:
            raise VendorError(
                NOT_STORED, f"the model was not registered: the database says {error}"
            ) from error

    def find(self, project_id: str, model_id: str, now: int) -> Standing:
        """One model. Raises VendorError when the project has none of this id."""
        return _find(self._database.connection, project_id, model_id, now)

    def page(self, listing: Listing, now: int) -> tuple[list[Standing], int]:
        """The models of one page, and how many match in all."""
        faults = self._settings.faults
        listed_until = now - int(faults.visible_after * 1000) if faults and faults.visible_after else None
        asked = asdict(listing) | {"now": now, "listed_until": listed_until}
        conditions = ["project_id = :project_id", "workspace_id = :workspace_id"]
        conditions += [condition for name, condition in _CONDITIONS.items() if asked[name] is not None]
        where = " AND ".join(conditions)
        order = _ORDER[listing.sort_by].format("DESC" if listing.descending else "ASC")
        connection = self._database.connection
        count = f"SELECT count(*) FROM models WHERE {where}"  # noqa: S608 - fixed conditions, bound values
        (total,) = connection.execute(count, asked).fetchone()
        select = f"{_SELECT} WHERE {where} ORDER BY {order} LIMIT :take OFFSET :skip"
        return [_standing(row) for row in connection.execute(select, asked)], total

    def delete(
        self, project_id: str, model_id: str, *, cascade: bool, now: int
    ) -> tuple[list[str], list[str]]:
        """Deletes a model and, with `cascade`, other versions of its name: 20 at most in all.

        Returns:
            The ids of the models deleted, and of those left because a service uses them.

        Raises:
            VendorError: the project has no model of this id.
        """
        with self._database.writing() as connection:
            named = _find(connection, project_id, model_id, now).model
            others = _other_versions(connection, named, self._settings.cascade_order) if cascade else []
            doomed = [model_id, *others]
            if matches(named.model_name, self._settings.in_use_pattern):
                return [], doomed
            connection.executemany("DELETE FROM models WHERE model_id = ?", [(each,) for each in doomed])
        return doomed, []

    def _check_pair(self, connection: sqlite3.Connection, model: Model) -> None:
        """Refuses a taken pair; the transaction lets nobody in between, and the schema forbids it anyway."""
        within = "" if self._settings.unique_within == "project" else " AND workspace_id = :workspace_id"
        same = "project_id = :project_id AND model_name = :model_name AND model_version = :model_version"
        taken = f"SELECT 1 FROM models WHERE {same}{within}"  # noqa: S608 - fixed conditions, bound values
        if connection.execute(taken, asdict(model)).fetchone():
            raise _taken(model)

    def _check_quota(self, connection: sqlite3.Connection, model: Model) -> None:
        quota = self._settings.quota
        if quota is None:
            return
        count = "SELECT count(*) FROM models WHERE project_id = ?"
        (held,) = connection.execute(count, (model.project_id,)).fetchone()
        if held >= quota:
            raise VendorError(
                QUOTA_REACHED,
                f"project {model.project_id} holds {held} models and may hold {quota}: delete some",
            )


def _find(connection: sqlite3.Connection, project_id: str, model_id: str, now: int) -> Standing:
    wanted = {"project_id": project_id, "model_id": model_id, "now": now}
    select = f"{_SELECT} WHERE model_id = :model_id AND project_id = :project_id"
    row = connection.execute(select, wanted).fetchone()
    if row is None:
        raise VendorError(NO_SUCH_MODEL, f"model {model_id} does not exist in project {project_id}")
    return _standing(row)


def _other_versions(connection: sqlite3.Connection, model: Model, order: CascadeOrder) -> list[str]:
    by_age = _ORDER["create_at"].format(_DIRECTIONS[order])
    same = "project_id = ? AND workspace_id = ? AND model_name = ? AND model_id <> ?"
    select = f"SELECT model_id FROM models WHERE {same} ORDER BY {by_age} LIMIT ?"  # noqa: S608 - fixed text
    same_name = (model.project_id, model.workspace_id, model.model_name, model.model_id, _CASCADE - 1)
    return [model_id for (model_id,) in connection.execute(select, same_name)]


def _standing(row: sqlite3.Row) -> Standing:
    *columns, status = row
    return Standing(Model(**dict(zip(_NAMES, columns, strict=True))), status)


def _taken(model: Model) -> VendorError:
    return VendorError(EXISTS, f"model {model.model_name}, version {model.model_version}, already exists")
