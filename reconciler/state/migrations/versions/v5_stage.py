"""Version 5: beside the word of a model's status stands what it means, in the journal and in the ledger.

Of events of before, every one of which came from ModelArts, the word tells it whenever they are read
(`reconciler.state.rows`): those in the archive are never written again.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "5"
down_revision = "4"


def upgrade() -> None:
    """Runs inside the transaction of `reconciler.state.migrations`."""
    op.add_column("journal", Column("stage", Text))
    op.add_column("ledger", Column("stage", Text))
