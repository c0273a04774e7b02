"""The state room: what is remembered between cycles, in a SQLite file or a PostgreSQL database.

In come events, reports and marks; out come the entries, events and reports of `reconciler.engine.values`.
The journal is append-only and the ledger is its fold, so that one can be rebuilt from the other. The room
knows nothing of git, of registries or of what a verdict means, and decides nothing.

SQLAlchemy is loaded when one of these names is first used, not before. What a state is known by stands here:
reading it loads nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.state.journal_reader import JournalReader, open_journal
    from reconciler.state.ledger import SqlLedger, open_for_release, open_state
    from reconciler.state.maintenance import check, compact, export, migrate, rebuild, require_state

__all__ = [
    "JournalReader", "SqlLedger", "check", "compact", "export", "migrate", "open_for_release", "open_journal",
    "open_state", "rebuild", "require_state",
]  # fmt: skip

_NAMES = {
    "journal_reader": ("JournalReader", "open_journal"),
    "ledger": ("SqlLedger", "open_for_release", "open_state"),
    "maintenance": ("check", "compact", "export", "migrate", "rebuild", "require_state"),
}  # fmt: skip

PROGRAM: Final = "model-reconciler"
SCHEMA_VERSION: Final = 6
"""Raised with every change of the tables, or of what their values mean; each number has a migration."""

__getattr__ = attributes(__name__, _NAMES)
