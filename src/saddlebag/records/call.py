"""What a service handler gets with each call: who, when, and the way to the records.

Belongs here: `Call` and `Hub`, plain bundles built by the composition root. May not know: SOAP or HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from saddlebag.contract.spec import DuplicateAction
from saddlebag.kernel import limits
from saddlebag.kernel.errors import MASTER_KEY, SaddlebagError
from saddlebag.kernel.ids import IdSource
from saddlebag.model.entities import Schema
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.security.principal import Principal
from saddlebag.store.base import Store, Tenant, Transaction

if TYPE_CHECKING:
    from saddlebag.records.path import Records

R = TypeVar("R")


def no_master_keys() -> MasterKeys:
    """A hub without a file of master keys leases none; raises MASTER_KEY."""
    raise SaddlebagError(MASTER_KEY, "The hub has no file of master keys.")


@dataclass(frozen=True, slots=True)
class Hub:
    """What the composition root makes once: store, sources of ids, secrets and time, and settings that services
    show.
    """

    store: Store
    new_id: IdSource
    new_secret: Callable[[], str]
    """A fresh 256-bit URL-safe token."""
    now: Callable[[], datetime]
    version: str
    public_url: str
    client_file: bytes | None = None
    """The laptop client that the hub offers, or None when it was not built."""
    session_seconds: int = limits.SESSION_SECONDS
    services: tuple[str, ...] = ()
    """Names of the services that the hub offers."""
    master_keys: Callable[[], MasterKeys] = no_master_keys
    """The keys that devices' keys are sealed under, as they are now."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation. `principal` is None only for public operations."""

    hub: Hub
    tenant: Tenant
    principal: Principal | None
    now: datetime
    request_id: str
    all_or_none: bool = False
    if_version: bool = False
    """The IfVersion header: each record's own `version` must still be the stored one."""
    idempotency_key: str | None = None
    client: str = ""
    """The CallOptions header: the program that calls, "" where it does not say."""
    language: str = ""
    """The Locale header: the language that the caller would like, "" where it does not say."""
    duplicates: DuplicateAction = DuplicateAction.REFUSE
    """The DuplicateRule header: what becomes of new records that are there already."""
    session_token: str | None = None

    @property
    def schema(self) -> Schema:
        """The tenant's entities."""
        return self.hub.store.schema

    def who(self) -> Principal:
        """The authenticated caller, with the program that she calls by as the origin of her changes.

        The front has refused the call already where there is none.
        """
        if self.principal is None:
            raise RuntimeError("a public operation asked for its caller")
        if self.client and not self.principal.origin:
            return replace(self.principal, origin=f"client:{self.client}")
        return self.principal

    def run(self, work: Callable[[Transaction], R], *, read_only: bool = False) -> R:
        """Run `work` in one transaction of the caller's tenant."""
        return self.hub.store.run(self.tenant.name, work, read_only=read_only)

    def records(self, tx: Transaction) -> Records:
        """The read and write path as this caller may use it, in this transaction."""
        from saddlebag.records.path import Records

        return Records(tx, self.who(), now=self.now, new_id=self.hub.new_id)
