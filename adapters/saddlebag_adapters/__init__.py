"""The adapters, one package per outside system.

Floor 5. An adapter implements the bridge's port and never imports another adapter. The server loads each by
its entry point in the group `saddlebag.adapters`, exactly as it loads a third party's.
"""

from __future__ import annotations
