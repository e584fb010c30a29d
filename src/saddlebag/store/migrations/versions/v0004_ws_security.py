"""WS-Security: secrets and certificates that prove who sent a message, what has come already, who has to prove what.

Belongs here: what this version adds, written out; it does not follow the declarations of later ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

from saddlebag.store.migrations.columns import create, index

revision = "0004"
down_revision = "0003"

ROWS: Mapping[str, tuple[str, str]] = {
    "wss_secret": ("user", "user sealed:bytes issued_at:time"),
    "wss_certificate": (
        "fingerprint",
        "fingerprint user certificate:bytes thumbprint serial subject_key added_at:time",
    ),
    "wss_seen": ("message", "message expires_at:time"),
    "wss_count": ("user", "user until:time count:integer"),
    "wss_account": ("user", "user proofs"),
}
"""Key and columns of each table, after the tenant."""

INDEXES: Mapping[str, str] = {
    "ix_wss_certificate_user": "wss_certificate tenant user",
    "ix_wss_certificate_thumbprint": "wss_certificate tenant thumbprint",
    "ix_wss_certificate_serial": "wss_certificate tenant serial",
    "ix_wss_certificate_subject_key": "wss_certificate tenant subject_key",
    "ix_wss_seen_expires_at": "wss_seen tenant expires_at",
}
"""Table and columns of each index."""


def upgrade() -> None:
    """Make the tables and indexes."""
    for name, (key, columns) in ROWS.items():
        create(name, f"tenant {key}", f"tenant {columns}")
    for name, described in INDEXES.items():
        index(name, described)


def downgrade() -> None:
    """Back to a hub that knows sessions and TLS certificates only."""
    for name in ROWS:
        op.drop_table(name)
