"""Duplicate rules: by what a tenant tells that two records are the same, and the index of it.

Belongs here: what this version adds, written out; it does not follow the declarations of later ones.
"""

from __future__ import annotations

from alembic import op

from saddlebag.store.migrations.columns import create, index

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables and the index."""
    create("duplicate_rule", "tenant name", "tenant name entity version:integer terms indexed_to ready:boolean")
    create("duplicate_entry", "tenant rule record", "tenant rule record value")
    index("ix_duplicate_entry_rule_value", "duplicate_entry tenant rule value")


def downgrade() -> None:
    """Back to a hub without duplicate rules."""
    for name in ("duplicate_rule", "duplicate_entry"):
        op.drop_table(name)
