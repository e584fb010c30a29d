"""What is left of an operation's result once its device has stored it.

Belongs here: what this version adds, written out; it does not follow the declarations of later ones.
"""

from __future__ import annotations

from alembic import op

from saddlebag.store.migrations.columns import create

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the table."""
    create("settled", "tenant device incarnation part", "tenant device incarnation:integer part:integer entries:bytes")


def downgrade() -> None:
    """Back to a hub that keeps every result."""
    op.drop_table("settled")
