"""Version 3: the outbox, messages to the sinks that are written with the verdicts they tell of."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, Text

revision = "3"
down_revision = "2"


def upgrade() -> None:
    """Runs inside the transaction of `reconciler.state.migrations`."""
    op.create_table(
        "outbox",
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("message_id", Text, nullable=False),
        Column("sink", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("model_name", Text),
        Column("model_version", Text),
        Column("path", Text),
        Column("episode", Text, nullable=False),
        Column("verdict", Text),
        Column("facts", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("sent_at", Text),
        Column("attempts", Integer, nullable=False),
        Column("not_before", Text),
        Column("error", Text),
        Column("digest", Text),
    )
    op.create_index("outbox_by_message", "outbox", ["message_id"], unique=True)
    op.create_index("outbox_by_sink", "outbox", ["sink", "sent_at"])
