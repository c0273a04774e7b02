"""What others do to a registry's models and tokens behind everybody's back. Runs in the database's thread."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.embedded.database import Database
    from reconciler.embedded.faults import Meddle

_DEEDS = {
    "delete": "DELETE FROM models WHERE sequence = :sequence",
    "change": "UPDATE models SET description = :text, request = json_set(request, '$.description', :text)"
    " WHERE sequence = :sequence",
    "move": "UPDATE models SET created_at = (SELECT max(created_at) + 1 FROM models),"
    " sequence = (SELECT max(sequence) + 1 FROM models) WHERE sequence = :sequence",
}


def meddle(database: Database, rule: Meddle) -> int:
    """Does what the rule says to the oldest models of the names it says; gives how many there were."""
    with database.writing() as connection:
        rows = connection.execute("SELECT sequence, model_name FROM models ORDER BY created_at, sequence")
        found = [sequence for sequence, name in rows.fetchall() if fnmatchcase(name, rule.models)]
        chosen = [{"sequence": sequence, "text": "changed by somebody else"} for sequence in found]
        connection.executemany(_DEEDS[rule.how], chosen[: rule.most])
    return len(chosen[: rule.most])


def expire_tokens(database: Database, now: float) -> None:
    """Ends every token issued so far.

    Args:
        database: of the registry.
        now: seconds since the epoch, on the registry's clock.
    """
    with database.writing() as connection:
        connection.execute("UPDATE tokens SET expires_at = min(expires_at, ?)", (now,))
