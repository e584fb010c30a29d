"""The first schema: entities, technical rows, tenants, counter, change log.

Belongs here: the tables as they were at this version, written out; it does not follow the declarations of later ones.
Columns are written as `saddlebag.store.migrations.columns` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

from alembic import op

from saddlebag.store.migrations.columns import ENTITY_HEAD, ENTITY_TAIL, create, index, unique_index

revision = "0001"
down_revision = None

ENTITIES: Mapping[str, str] = {
    "e_territory": "code name parent",
    "e_user": "name email phone login role territory active:boolean",
    "e_partner": "number name kind email phone country",
    "e_product": "sku name family unit list_price:18.4 currency active:boolean description",
    "e_warehouse": "code name city country",
    "e_customer": (
        "number name kind status owner territory parent segments:tags industry email phone website street "
        "postcode city region country billing_street billing_postcode billing_city billing_country "
        "currency credit_limit:16.2 credit_standing notes tax_number"
    ),
    "e_contact": "customer first_name last_name title email phone mobile primary:boolean notes",
    "e_deal": (
        "number customer owner partner title stage amount:16.2 currency probability:integer "
        "close_date:date next_step notes loss_reason"
    ),
    "e_deal_line": "deal customer product position:integer quantity:16.3 unit_price:18.4 discount:5.2",
    "e_activity": "customer deal contact owner kind subject body starts_at:time due_on:date done:boolean outcome",
    "e_invoice": (
        "number customer kind status issued_on:date due_on:date paid_on:date net:16.2 tax:16.2 total:16.2 "
        "balance:16.2 currency"
    ),
    "e_invoice_line": "invoice customer product position:integer description quantity:16.3 unit_price:18.4 amount:16.2",
    "e_payment": "number customer invoice paid_on:date amount:16.2 currency method",
    "e_stock_level": "product warehouse on_hand:16.3 reserved:16.3 available:16.3 next_delivery:date",
}
"""The fields' columns of each entity's table; all may be without value."""

ROWS: Mapping[str, tuple[str, str]] = {
    "credential": ("user", "user login password changed_at:time failures:integer failed_at:time?"),
    "certificate": ("fingerprint", "fingerprint user added_at:time"),
    "session": ("token_hash", "token_hash user device created_at:time expires_at:time"),
    "idempotency": ("user key", "user key payload_hash:bytes answer:bytes created_at:time"),
    "scope_rule": ("name", "name version:integer rules"),
    "pin": ("user entity record", "user entity record"),
    "device": (
        "device",
        (
            "device user name platform key_hash incarnation:integer checkpoint:integer "
            "pending_checkpoint:integer enabled:boolean registered_at:time seen_at:time"
        ),
    ),
    "manifest": ("device slot", "device slot:integer entries:bytes"),
    "pending": ("device", "device checkpoint:integer entries:bytes"),
    "operation_result": (
        "device incarnation sequence",
        "device incarnation:integer sequence:integer payload_hash:bytes result",
    ),
    "parked": ("device entity record", "device entity record sequence:integer"),
    "conflict": (
        "conflict",
        ("conflict entity record field base? mine? theirs? won rule user device at:time resolved_at:time?"),
    ),
    "binding": (
        "system entity external_id",
        "system entity external_id record external_version content_hash:bytes seen_at:time seen",
    ),
    "adapter_state": ("system stream", "system stream state at:time"),
    "adapter_run": (
        "run",
        (
            "run system stream started_at:time ended_at:time? outcome read:integer created:integer "
            "updated:integer deleted:integer unchanged:integer failed:integer message"
        ),
    ),
    "dead_letter": ("letter", "letter system stream external_id code reason payload at:time"),
    "outbox": (
        "sequence destination",
        ("sequence:integer destination entity record kind due_at:time attempts:integer lease_until:time?"),
    ),
    "tenant_setting": ("name", "name value"),
}
"""Key and columns of each table of technical rows, after the tenant."""

INDEXES: Mapping[str, str] = {
    "ix_territory_modified_at_id": "e_territory tenant modified_at id",
    "ix_territory_parent": "e_territory tenant parent",
    "ix_user_modified_at_id": "e_user tenant modified_at id",
    "ix_user_territory": "e_user tenant territory",
    "ix_partner_modified_at_id": "e_partner tenant modified_at id",
    "ix_product_modified_at_id": "e_product tenant modified_at id",
    "ix_warehouse_modified_at_id": "e_warehouse tenant modified_at id",
    "ix_customer_modified_at_id": "e_customer tenant modified_at id",
    "ix_customer_owner": "e_customer tenant owner",
    "ix_customer_parent": "e_customer tenant parent",
    "ix_customer_territory": "e_customer tenant territory",
    "ix_contact_customer": "e_contact tenant customer",
    "ix_contact_modified_at_id": "e_contact tenant modified_at id",
    "ix_deal_customer_close_date": "e_deal tenant customer close_date",
    "ix_deal_modified_at_id": "e_deal tenant modified_at id",
    "ix_deal_owner_close_date": "e_deal tenant owner close_date",
    "ix_deal_partner": "e_deal tenant partner",
    "ix_deal_line_customer": "e_deal_line tenant customer",
    "ix_deal_line_deal": "e_deal_line tenant deal",
    "ix_deal_line_modified_at_id": "e_deal_line tenant modified_at id",
    "ix_deal_line_product": "e_deal_line tenant product",
    "ix_activity_contact": "e_activity tenant contact",
    "ix_activity_customer_starts_at": "e_activity tenant customer starts_at",
    "ix_activity_deal": "e_activity tenant deal",
    "ix_activity_modified_at_id": "e_activity tenant modified_at id",
    "ix_activity_owner_starts_at": "e_activity tenant owner starts_at",
    "ix_invoice_customer_issued_on": "e_invoice tenant customer issued_on",
    "ix_invoice_modified_at_id": "e_invoice tenant modified_at id",
    "ix_invoice_line_customer": "e_invoice_line tenant customer",
    "ix_invoice_line_invoice": "e_invoice_line tenant invoice",
    "ix_invoice_line_modified_at_id": "e_invoice_line tenant modified_at id",
    "ix_invoice_line_product": "e_invoice_line tenant product",
    "ix_payment_customer_paid_on": "e_payment tenant customer paid_on",
    "ix_payment_invoice": "e_payment tenant invoice",
    "ix_payment_modified_at_id": "e_payment tenant modified_at id",
    "ix_stock_level_modified_at_id": "e_stock_level tenant modified_at id",
    "ix_stock_level_product": "e_stock_level tenant product",
    "ix_stock_level_warehouse": "e_stock_level tenant warehouse",
    "ix_credential_login": "credential tenant login",
    "ix_session_expires_at": "session tenant expires_at",
    "ix_session_user": "session tenant user",
    "ix_idempotency_created_at": "idempotency tenant created_at",
    "ix_device_user": "device tenant user",
    "ix_conflict_entity_record": "conflict tenant entity record",
    "ix_conflict_user": "conflict tenant user",
    "ix_binding_entity_record": "binding tenant entity record",
    "ix_adapter_run_system_started_at": "adapter_run tenant system started_at",
    "ix_dead_letter_system_stream": "dead_letter tenant system stream",
    "ix_outbox_destination_due_at": "outbox tenant destination due_at",
}
"""Table and columns of each index."""

KEYS: Mapping[str, str] = {
    "uq_territory_code": "e_territory tenant code",
    "uq_user_login": "e_user tenant login",
    "uq_partner_number": "e_partner tenant number",
    "uq_product_sku": "e_product tenant sku",
    "uq_warehouse_code": "e_warehouse tenant code",
    "uq_customer_number": "e_customer tenant number",
    "uq_deal_number": "e_deal tenant number",
    "uq_invoice_number": "e_invoice tenant number",
}
"""As `INDEXES`, unique among live records that have a value in the last column."""


def upgrade() -> None:
    """Make every table and index."""
    for name, columns in ENTITIES.items():
        create(name, "tenant id", f"{ENTITY_HEAD} {columns.replace(' ', '? ')}? {ENTITY_TAIL}")
    for name, (key, columns) in ROWS.items():
        create(name, f"tenant {key}", f"tenant {columns}")
    create("tenant", "name", "name title time_zone secret:bytes created_at:time enabled:boolean")
    create("counter", "tenant", "tenant value:integer")
    log = "tenant sequence:integer entity id kind fields at:time by origin"
    create("change_log", "tenant sequence", log, sqlite_with_rowid=False)
    for name, described in INDEXES.items():
        index(name, described)
    for name, described in KEYS.items():
        unique_index(name, described)


def downgrade() -> None:
    """Back to an empty database."""
    for name in (*ENTITIES, *ROWS, "tenant", "counter", "change_log"):
        op.drop_table(name)
