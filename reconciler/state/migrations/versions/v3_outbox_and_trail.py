"""Version 3: messages wait in an outbox, and the journal is read by commit and by model id.

Messages are written with the verdicts they tell of. It is known from now on which commit was reconciled when;
of those before nothing is known. Chunks of the archive that exist already say nothing of what they hold: a
question about one model unpacks them.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, Text

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
