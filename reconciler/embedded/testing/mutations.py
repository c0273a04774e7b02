"""What others do to a registry's models and tokens behind everybody's back. Inside a transaction."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from reconciler.embedded.testing.faults import Meddle

_DEEDS = {
    "delete": "DELETE FROM models WHERE sequence = :sequence",
    "change": "UPDATE models SET description = :text, request = json_set(request, '$.description', :text)"
    " WHERE sequence = :sequence",
    "move": "UPDATE models SET created_at = (SELECT max(created_at) + 1 FROM models),"
    " sequence = (SELECT max(sequence) + 1 FROM models) WHERE sequence = :sequence",
}


def meddle(connection: sqlite3.Connection, rule: Meddle) -> int:
    """Does what the rule says to the oldest models of the names it says; gives how many there were."""
    rows = connection.execute("SELECT sequence, model_name FROM models ORDER BY created_at, sequence")
    sequences = [sequence for sequence, name in rows.fetchall() if fnmatchcase(name, rule.models)]
    chosen = [{"sequence": sequence, "text": "changed by somebody else"} for sequence in sequences]
    connection.executemany(_DEEDS[rule.how], chosen[: rule.most])
    return len(chosen[: rule.most])


def expire_tokens(connection: sqlite3.Connection, now: float) -> None:
    """Ends every token issued so far.

    Args:
        connection: to the registry's database, in a transaction.
        now: seconds since the epoch, on the registry's clock.
    """
    connection.execute("UPDATE tokens SET expires_at = min(expires_at, ?)", (now,))
