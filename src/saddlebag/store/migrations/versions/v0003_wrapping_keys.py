"""The keys that encrypted laptops' file keys are wrapped under.

Belongs here: what this version adds, written out; it does not follow the declarations of later ones.
"""

from __future__ import annotations

from alembic import op

from saddlebag.store.migrations.columns import create

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    create("wrapping_key", "tenant device", "tenant device sealed:bytes created_at:time leased_until:time")


def downgrade() -> None:
    """Back to a hub that keeps no keys."""
    op.drop_table("wrapping_key")
