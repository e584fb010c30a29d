"""Conformance: judges a running hub from outside, as a partner's program meets it.

Belongs here: checks that speak HTTP and SOAP over TLS. May not know: anything of the hub's code; nothing of ours is
imported, so that a mistake of ours cannot excuse itself.
"""

from __future__ import annotations
