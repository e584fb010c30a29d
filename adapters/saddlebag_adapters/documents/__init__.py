"""Documents: records from CSV files in a folder, for systems that can export but not be asked.

Belongs here: the adapter's declaration; `files` reads. May not know: the hub's store, other adapters.
"""

from __future__ import annotations

from saddlebag.bridge.port import Adapter, Hygiene
from saddlebag.bridge.settings import Setting
from saddlebag_adapters.documents.files import Folder
from saddlebag_adapters.documents.layout import MAPPING, STREAMS

SETTINGS = (
    Setting("folder", "Folder that holds the files, one <stream>.csv for each stream.", required=True),
    Setting("delimiter", "Character between two columns.", default=",", choices=(",", ";", "\t", "|")),
    Setting("encoding", "Encoding of the files.", default="utf-8", choices=("utf-8", "iso-8859-1", "windows-1252")),
    Setting("time_zone", "IANA time zone of times without an offset.", default="UTC"),
    Setting("max_bytes", "Largest file in bytes that is read.", "integer", default=64 * 1024 * 1024, minimum=1),
)

ADAPTER = Adapter(
    name="documents",
    version="1",
    title="CSV files in a folder",
    settings=SETTINGS,
    streams=STREAMS,
    mapping=MAPPING,
    connect=Folder,
    hygiene=Hygiene(decimals="text"),
)
