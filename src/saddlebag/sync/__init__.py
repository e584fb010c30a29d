"""Sync: what devices hold, what they should hold, and the difference (floor 4).

Belongs here: scopes and their compilation, pull, push, healing, explanations. May not know: SOAP, networks, adapters.
Records are read and written through the floors below; `engine` is what services call.
"""

from __future__ import annotations

from saddlebag.sync.explain import describe

__all__ = ["describe"]
