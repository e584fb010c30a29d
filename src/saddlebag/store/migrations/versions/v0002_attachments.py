"""Attachments: their records, and the content that travels apart from them.

Belongs here: what this version adds, written out; it does not follow the declarations of later ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

from saddlebag.store.migrations.columns import ENTITY_HEAD, ENTITY_TAIL, create, index

revision = "0002"
down_revision = "0001"

FIELDS = "entity? record? customer? name? media_type? size:integer? sha256? policy? stored:boolean?"
"""The fields' columns of the entity's table."""

ROWS: Mapping[str, tuple[str, str]] = {
    "upload": ("attachment", "attachment blob sha256 size:integer received:integer user touched_at:time"),
    "blob_chunk": ("blob number", "blob number:integer data:bytes"),
    "content": ("sha256", "sha256 blob size:integer stored_at:time"),
    "attachment_content": ("attachment", "attachment sha256"),
}
"""Key and columns of each table of technical rows, after the tenant."""

INDEXES: Mapping[str, str] = {
    "ix_attachment_customer": "e_attachment tenant customer",
    "ix_attachment_record": "e_attachment tenant record",
    "ix_attachment_modified_at_id": "e_attachment tenant modified_at id",
    "ix_upload_user": "upload tenant user",
    "ix_upload_touched_at": "upload tenant touched_at",
    "ix_attachment_content_sha256": "attachment_content tenant sha256",
}
"""Table and columns of each index."""


def upgrade() -> None:
    """Make the tables and indexes."""
    create("e_attachment", "tenant id", f"{ENTITY_HEAD} {FIELDS} {ENTITY_TAIL}")
    for name, (key, columns) in ROWS.items():
        create(name, f"tenant {key}", f"tenant {columns}")
    for name, described in INDEXES.items():
        index(name, described)


def downgrade() -> None:
    """Back to a database without attachments."""
    for name in ("e_attachment", *ROWS):
        op.drop_table(name)
