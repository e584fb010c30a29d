"""The stores that the kit of adapters wants."""

from __future__ import annotations

from bridge_store import bridge_database, store

__all__ = ["bridge_database", "store"]
