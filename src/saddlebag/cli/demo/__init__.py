"""The demonstration: a tenant's worth of made-up data, a hub of its own, and a rep's day played with the real client.

Belongs here: what `saddlebag demo` does. May not know: anything that a user of the hub could not do as well.
"""

from __future__ import annotations
