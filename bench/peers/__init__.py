"""Peers: other systems that bring a rep's records to a device, measured with the same records in the same run.

Belongs here: one module for each peer with its server and client, their pins, and the one way in which all are
measured. May not know: the hub. What runs in a peer's own interpreter imports the standard library, the peer, and of
ours only `bench.plain` and `bench.children`.
"""

from __future__ import annotations
