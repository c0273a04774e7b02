"""Version 4: who leads a target is a lease in the database, and the journal tells the epoch of each event.

Events of before have no epoch: they are older than every lease.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, DateTime, Text

revision = "4"
down_revision = "3"


def upgrade() -> None:
    """Runs inside the transaction of `reconciler.state.migrations`."""
    op.add_column("journal", Column("epoch", BigInteger))
    op.create_table(
        "lease",
        Column("target", Text, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("epoch", BigInteger, nullable=False),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("expires_at", DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "replica",
        Column("holder", Text, primary_key=True),
        Column("expires_at", DateTime(timezone=True), nullable=False),
    )
