"""Tryton: parties, opportunities, products, stock, invoices and payments over JSON-RPC, series 6.0 to 8.2.

Belongs here: the adapter's declaration. `connector` implements the port; `rpc` and `wire` speak the protocol, `shape`
finds out what the database has, `feed` pages through changes, `streams` declares what is read and `rows` what it
becomes. May not know: the hub's store, other adapters.
"""

from __future__ import annotations

from saddlebag.bridge.port import Adapter, Hygiene
from saddlebag.bridge.settings import Setting
from saddlebag_adapters.tryton.connector import Tryton
from saddlebag_adapters.tryton.streams import MAPPING, STREAMS

SETTINGS = (
    Setting("url", "Address of the Tryton server, https://host[:port].", required=True),
    Setting("database", "Name of the database.", required=True),
    Setting("user", "Name of the user to log in as; she needs to read only.", required=True),
    Setting("password", "Her password.", required=True, secret=True),
    Setting("company", "Id of the company to read; without it, the one of the user's preferences.", "integer"),
    Setting("customers", "Further domain that a party must meet to be a customer.", "array", default=()),
    Setting("ca_file", "File of certificates to trust in place of the machine's own."),
    Setting("timeout", "Seconds to wait for an answer.", "integer", default=60, minimum=1),
    Setting("max_bytes", "Largest answer in bytes.", "integer", default=64 * 1024 * 1024, minimum=1024),
    Setting(
        "overlap", "Seconds before the last stamp to read again, for late commits.", "integer", default=300, minimum=0
    ),
    Setting("lag", "Seconds behind now that the last stamp stays.", "integer", default=60, minimum=0),
)

ADAPTER = Adapter(
    name="tryton",
    version="1",
    title="Tryton 6.0 to 8.2",
    settings=SETTINGS,
    streams=STREAMS,
    mapping=MAPPING,
    connect=Tryton,
    hygiene=Hygiene(time_zone="UTC", escaped_text=False, decimals="exact"),
)
