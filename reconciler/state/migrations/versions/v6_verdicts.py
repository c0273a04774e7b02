"""Version 6: the table of the newest verdicts is called `verdicts`, and its indexes are named after it.

No row changes. PostgreSQL does not rename the primary key and the sequence of `id` with their table.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "6"
down_revision = "5"


def upgrade() -> None:
    """Runs inside the transaction of `reconciler.state.migrations`."""
    for name in ("standing_by_pair", "standing_not_in_sync", "standing_seen"):
        op.drop_index(name, "standing")
    op.rename_table("standing", "verdicts")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX standing_pkey RENAME TO verdicts_pkey")
        op.execute("ALTER SEQUENCE standing_id_seq RENAME TO verdicts_id_seq")
    op.create_index("verdicts_by_pair", "verdicts", ["target", "model_name", "model_version"])
    conditions = {
        "verdicts_not_in_sync": (["target", "verdict"], text("verdict <> 'in-sync'")),
        "verdicts_uncompared": (["target"], text("verdict = 'in-sync' AND digest IS NULL")),
    }
    for name, (columns, where) in conditions.items():
        op.create_index(name, "verdicts", columns, sqlite_where=where, postgresql_where=where)
