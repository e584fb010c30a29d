"""Answers that wait to be sent to an address elsewhere.

Belongs here: what this version adds, written out; it does not follow the declarations of later ones.
"""

from __future__ import annotations

from alembic import op

from saddlebag.store.migrations.columns import create, index

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    create("reply", "tenant id", "tenant id url media_type action attempts:integer due_at:time created_at:time")
    create("reply_body", "tenant reply", "tenant reply body:bytes")
    index("ix_reply_due_at", "reply tenant due_at")


def downgrade() -> None:
    """Back to a hub that answers the same way only."""
    for name in ("reply", "reply_body"):
        op.drop_table(name)
