"""Migrations: how a state of an earlier version becomes one of this version.

Each number after 1 has one file in `versions/`, written for Alembic and never changed after its release. All
that a state needs run in one transaction, together with making the ledger anew from the journal and with the
new number: a process that dies in between leaves the state as it was. Alembic is loaded here, and this
package only when the versions differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import update

from reconciler.state import SCHEMA_VERSION
from reconciler.state.entries import refold
from reconciler.state.tables import meta

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection


def migrate(connection: Connection, version: int) -> None:
    """Brings a state of this earlier version up to date, inside the caller's transaction.

    The ledger is the fold of the journal, so no migration converts its rows: it is made anew at the end.
    """
    with Operations.context(MigrationContext.configure(connection)):
        for script in scripts(after=version):
            script.module.upgrade()
    refold(connection)
    connection.execute(update(meta).where(meta.c.key == "schema_version").values(value=str(SCHEMA_VERSION)))


def scripts(after: int = 1) -> list[Script]:
    """The migrations beyond this version, in order."""
    folder = ScriptDirectory(Path(__file__).parent)
    return [script for script in folder.walk_revisions() if int(script.revision) > after][::-1]
