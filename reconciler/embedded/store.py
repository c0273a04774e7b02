"""The registry's models: what may be registered, found, listed and deleted."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from reconciler.embedded.answers import EXISTS, NO_SUCH_MODEL, NOT_STORED, QUOTA_REACHED, VendorError
from reconciler.embedded.listing import Pages
from reconciler.embedded.model import insert, matches, select
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.embedded.database import Database
    from reconciler.embedded.listing import Listing, ListPage
    from reconciler.embedded.model import Model, StoredModel
    from reconciler.embedded.settings import CascadeOrder, EmbeddedSettings

_CASCADE = 20  # models one delete call removes at most, as documented
_DIRECTIONS: Mapping[CascadeOrder, str] = {"oldest": "ASC", "newest": "DESC"}


class Store:
    """The models of all projects."""

    def __init__(self, database: Database, settings: EmbeddedSettings) -> None:
        self._database = database
        self._settings = settings
        self._pages = Pages(database.connection, settings)

    async def add(self, model: Model) -> None:
        """Registers a model; it is on disk on return.

        Raises:
            VendorError: the name and version are taken, the project is full, or the disk refused.
        """
        try:
            await self._database.write(self._add, model)
        except sqlite3.Error as error:
            raise VendorError(
                NOT_STORED, f"the model was not registered: the database says {error}"
            ) from error

    async def find(self, project_id: str, model_id: str, now: int) -> StoredModel:
        """One model. Raises VendorError when the project has none of this id."""
        return await self._database.read(_find, self._database.connection, project_id, model_id, now)

    async def page(self, listing: Listing, now: int) -> ListPage:
        """The models of one page, and how many match in all."""
        return await self._database.read(self._pages.page, listing, now)

    async def delete(
        self, project_id: str, model_id: str, *, cascade: bool, now: int
    ) -> tuple[list[str], list[str]]:
        """Deletes a model and, with `cascade`, other versions of its name: 20 at most in all.

        Returns:
            The ids of the models deleted, and of those left because a service uses them.

        Raises:
            VendorError: the project has no model of this id.
        """
        return await self._database.write(self._delete, project_id, model_id, cascade=cascade, now=now)

    def _add(self, model: Model) -> None:
        connection, faults = self._database.connection, self._settings.faults
        if not (faults and faults.accept_duplicates):
            self._check_pair(connection, model)
        self._check_quota(connection, model)
        insert(connection, [model])

    def _delete(
        self, project_id: str, model_id: str, *, cascade: bool, now: int
    ) -> tuple[list[str], list[str]]:
        connection = self._database.connection
        named = _find(connection, project_id, model_id, now).model
        others = _other_versions(connection, named, self._settings.cascade_order) if cascade else []
        doomed = [model_id, *others]
        if matches(named.model_name, self._settings.in_use_pattern):
            return [], doomed
        connection.executemany("DELETE FROM models WHERE model_id = ?", [(each,) for each in doomed])
        return doomed, []

    def _check_pair(self, connection: sqlite3.Connection, model: Model) -> None:
        """Refuses a taken pair; the transaction lets nobody in between, and the schema forbids it anyway."""
        taken = "SELECT 1 FROM models WHERE project_id = ? AND model_name = ? AND model_version = ?"
        pair = [model.project_id, model.model_name, model.model_version]
        if self._settings.unique_within == "workspace":
            taken += " AND workspace_id = ?"
            pair.append(model.workspace_id)
        if connection.execute(taken, pair).fetchone():
            raise VendorError(
                EXISTS, f"model {model.model_name}, version {model.model_version}, already exists"
            )

    def _check_quota(self, connection: sqlite3.Connection, model: Model) -> None:
        quota = self._settings.quota
        if quota is None:
            return
        count = "SELECT count(*) FROM models WHERE project_id = ?"
        (held,) = connection.execute(count, (model.project_id,)).fetchone()
        if held >= quota:
            raise VendorError(
                QUOTA_REACHED,
                f"project {model.project_id} holds {many(held, 'model')} and may hold {quota}: delete some",
            )


def _find(connection: sqlite3.Connection, project_id: str, model_id: str, now: int) -> StoredModel:
    model = select(connection, {"project_id": project_id, "model_id": model_id, "now": now})
    if model is None:
        raise VendorError(NO_SUCH_MODEL, f"model {model_id} does not exist in project {project_id}")
    return model


def _other_versions(connection: sqlite3.Connection, model: Model, order: CascadeOrder) -> list[str]:
    by_age = "created_at {0}, sequence {0}".format(_DIRECTIONS[order])
    same = "project_id = ? AND workspace_id = ? AND model_name = ? AND model_id <> ?"
    select = f"SELECT model_id FROM models WHERE {same} ORDER BY {by_age} LIMIT ?"  # noqa: S608 - fixed text
    same_name = (model.project_id, model.workspace_id, model.model_name, model.model_id, _CASCADE - 1)
    return [model_id for (model_id,) in connection.execute(select, same_name)]
