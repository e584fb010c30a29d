"""The commands `encrypt` and `unlock`, and the lease that each sync renews.

Belongs here: between hub, key files and file, in an order that any crash leaves usable. May not know: the library of
encryption (`vault_library`), how bytes travel.

    encrypt   the hub's key -> key file and lease -> encrypted copy beside the file -> in its place, in one step
              -> zeros over what was in the clear -> the contents of attachments, one by one

Whether the file is encrypted is told by its own first bytes, so that before the one step everything is as it was, and
after it everything is there to open it; run again, `encrypt` does what is left. Rows, unsent work and cursor are copied
as they are, so that the next sync is like any other.
"""

from __future__ import annotations

import argparse
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from saddlebag.kernel.errors import FILE_IN_USE, SaddlebagError
from saddlebag_client import account, vault
from saddlebag_client.hub import HubCalls
from saddlebag_client.local import BUSY_SECONDS, LocalFile, only_sync, open_file
from saddlebag_client.setting import Said, Setting
from saddlebag_client.vault import Door

if TYPE_CHECKING:  # loaded where a file is encrypted, not with each sync
    from saddlebag_client.vault_library import Cipher


def encrypt(setting: Setting, given: argparse.Namespace) -> Said:
    """Encrypt the file and the contents of its attachments; one that is encrypted is finished where a crash left it."""
    from saddlebag_client.vault_contents import SealedContents

    path = setting.path
    vault.open_for(setting).close()
    with only_sync(path):
        if not vault.encrypted(path):
            _encrypt(setting, path, vault.MEMORY if given.until_restart else vault.DISK)
        SealedContents(vault.open_for(setting)).adopt()
        if given.until_restart is not None:
            vault.keep_in(setting, vault.MEMORY if given.until_restart else vault.DISK)
    until = vault.lease_end(setting)
    return Said({"encrypted": True, "lease_until": until}, f"Encrypted. Each sync renews the lease, now until {until}.")


def unlock(setting: Setting, given: argparse.Namespace) -> Said:
    """Ask the hub for the key of an encrypted file, with its user's password."""
    vault.end_lease(setting)
    door = vault.read_door(setting.path)
    password = setting.read_password(f"Password of {door.user}: ")
    hub = HubCalls(setting.connect(door.url, door.ca), door.tenant, setting.pause)
    hub.log_in(door.user, password)
    try:
        key, seconds = hub.lease_key(door.device)
    finally:
        hub.log_out()
    vault.keep_lease(setting, key, seconds)
    vault.open_for(setting).close()
    until = vault.lease_end(setting)
    return Said({"lease_until": until}, f"Unlocked. The file can be opened without the hub until {until}.")


def renew(setting: Setting, file: LocalFile, hub: HubCalls) -> None:
    """Renew the lease of an encrypted file; raises LEASE_REFUSED, and then the present one goes on to its end."""
    if file.sealed:
        key, seconds = hub.lease_key(file.need("device"))
        vault.keep_lease(setting, key, seconds)


def keep_way(path: Path, file: LocalFile) -> None:
    """After a log-in: the hub may have another address or authority than when the file was encrypted."""
    known = vault.read_door(path)
    vault.keep_door(path, replace(_door(file), mark=known.mark, wrapped=known.wrapped, lease=known.lease))


def _encrypt(setting: Setting, path: Path, lease: str) -> None:
    from saddlebag_client.vault_library import Cipher

    vault.lease_file(setting, lease)  # there is such a place, or nothing is begun
    with closing(open_file(path)) as file:
        door = replace(_door(file), lease=lease)
        wrapping, seconds = account.hub_of(file, setting.connect, setting.pause).lease_key(door.device)
    key = setting.new_key()
    vault.lock(path, door, wrapping, key)
    vault.keep_lease(setting, wrapping, seconds)
    _convert(path, Cipher(key))


def _convert(path: Path, cipher: Cipher) -> None:
    """Put an encrypted copy in the file's place.

    The old file is kept from all writers until zeros lie over it: a command that had opened it before and waits for its
    turn must not write into a file that has no name any more. It is told FILE_IN_USE instead.
    """
    from saddlebag_client.vault_library import open_any

    fresh = path.with_name(path.name + ".sealing")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL, 0o600))
    old = os.open(path, os.O_RDWR)  # closed last: on POSIX, closing any handle of a file gives up its locks
    try:
        with closing(open_any(path, BUSY_SECONDS)) as plain:
            try:
                cipher.export(plain, fresh)
            except plain.OperationalError:
                raise SaddlebagError(FILE_IN_USE) from None
            open_file(fresh, cipher=cipher).close()  # it opens, or the old one stays
            os.replace(fresh, path)
            vault.sync_folder(path)
            vault.overwrite(old)
    finally:
        os.close(old)


def _door(file: LocalFile) -> Door:
    return Door(file.need("url"), file.need("tenant"), file.need("user"), file.get("ca", ""), file.need("device"))
