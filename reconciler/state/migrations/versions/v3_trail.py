"""Version 3: events are found by commit and by model id, and it is known which commit was reconciled when.

Chunks of the archive that exist already say nothing of what they hold: a question about one model unpacks
them. Of the commits that were reconciled before nothing is known.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Text

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Runs inside the transaction of `reconciler.state.migrations`."""
    op.create_index("journal_by_commit", "journal", ["target", "commit"])
    op.create_index("journal_by_model_id", "journal", ["target", "model_id"])
    op.add_column("archive", Column("sketch", LargeBinary))
    op.create_table(
        "reconciled",
        Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("at", Text, nullable=False),
        Column("commit", Text, nullable=False, quote=True),
        Column("position", BigInteger, nullable=False),
    )
    op.create_index("reconciled_by_commit", "reconciled", ["commit"])
