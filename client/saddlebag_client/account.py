"""Whose file this is: log-in, the device's registration, and the way back to the hub.

Belongs here: what the file keeps of hub, user and device. May not know: what a sync does. The password is used once and
kept nowhere; what stays is the device's own key, which the hub can withdraw.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from saddlebag.kernel.errors import INVALID_VALUE, NOT_LOGGED_IN, SaddlebagError
from saddlebag_client import describe
from saddlebag_client.agreed import packing_of
from saddlebag_client.hub import HubCalls
from saddlebag_client.local import LocalFile
from saddlebag_client.metered import Meter
from saddlebag_client.transport import Transport

Connect = Callable[[str, str], Transport]
"""Makes a transport from the hub's address and its CA in PEM, "" for the machine's authorities."""


def log_in(
    file: LocalFile,
    connect: Connect,
    pause: Callable[[float], None],
    *,
    url: str,
    tenant: str,
    user: str,
    password: str,
    ca: str,
    this: tuple[str, str, str],
) -> Meter:
    """Bind the file to hub, tenant and user; one that was bound to them keeps all it holds. Gives the traffic."""
    _same_owner(file, tenant, user)
    hub = HubCalls(connect(url, ca), tenant, pause)
    identity = hub.log_in(user, password)
    known = file.get("device") is not None
    found = hub.register(*this, device=file.get("device"))
    hub.log_out()
    hub.log_in_device(found.device, found.key or file.need("device_key"))
    entities = hub.describe()
    with file.transaction():
        file.put(url=url, tenant=tenant, user=user, user_id=identity, ca=ca, token=hub.token)
        file.put(device=found.device, device_key=found.key or file.need("device_key"), zone=found.time_zone)
        # A page that this device holds may not have been acknowledged: comparing first spares sending it again.
        file.put(incarnation=found.incarnation, cursor=found.cursor, compare_first=known or None)
        describe.save(file, entities)
    return hub.transport.meter


def hub_of(file: LocalFile, connect: Connect, pause: Callable[[float], None]) -> HubCalls:
    """The hub that the file is bound to, with the device's session."""
    device = (file.need("device"), file.need("device_key"))
    transport = connect(file.need("url"), file.get("ca", ""))
    transport.packing = packing_of(file)
    return HubCalls(
        transport,
        file.need("tenant"),
        pause,
        token=file.get("token", ""),
        device=device,
        renewed=lambda token: file.put(token=token),
    )


def read_ca(path: Path | None) -> str:
    """The PEM text of a CA file, "" for none."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise SaddlebagError(INVALID_VALUE, f"The CA file {path.name} cannot be read.") from None


def _same_owner(file: LocalFile, tenant: str, user: str) -> None:
    """Another user's unsent work must neither be sent in this one's name nor be lost."""
    owner = (file.get("tenant", tenant), file.get("user", user))
    if owner != (tenant, user):
        reason = f"This file belongs to {owner[1]} of {owner[0]}. Use another one with --file."
        raise SaddlebagError(NOT_LOGGED_IN, reason)
