"""The state room: what is remembered between cycles, in a SQLite file or a PostgreSQL database.

In come events, reports and marks; out come the entries, events and reports of `reconciler.engine.values`.
The journal is append-only and the ledger is its fold, so that one can be rebuilt from the other. The room
knows nothing of git, of registries or of what a verdict means, and decides nothing.

SQLAlchemy is loaded when one of these names is first used, not before.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.state.ledger import SqlLedger
    from reconciler.state.maintenance import check, compact, export, migrate, rebuild, require_state
    from reconciler.state.opening import open_for_release, open_state

__all__ = [
    "SqlLedger",
    "check",
    "compact",
    "export",
    "migrate",
    "open_for_release",
    "open_state",
    "rebuild",
    "require_state",
]

_HOME = {
    "SqlLedger": "ledger",
    "check": "maintenance",
    "compact": "maintenance",
    "export": "maintenance",
    "migrate": "maintenance",
    "open_for_release": "opening",
    "open_state": "opening",
    "rebuild": "maintenance",
    "require_state": "maintenance",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
