"""The laptop client: works with no connection, keeps everything in one SQLite file.

It imports `saddlebag.kernel` and the standard library, nothing else, and is packed into one file. What travels is the
kernel's business (`wire`, `session`); here are the file, the connection and the commands.

    commands   main -> records, status, sync_commands, parked     what a person types
    local      local, rows, outbox, edits, settle, describe, values, find     what is true without a connection
    vault      vault, vault_commands, vault_contents, vault_library     an encrypted file; an extra, with two libraries
    network    metered, transport, messages, hub, driver, account, upgrade   one session over TLS
"""

from __future__ import annotations
