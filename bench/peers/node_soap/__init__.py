"""Files of a peer that Python only starts: see `bench.peers.soap_servers`."""

from __future__ import annotations
