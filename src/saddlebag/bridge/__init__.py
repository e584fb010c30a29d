"""The bridge: the adapter port, runs and their state, identity binding, mapping, retry and dead letters.

Floor 4. It knows adapters only by the port, and knows nothing of sync.
"""

from __future__ import annotations
