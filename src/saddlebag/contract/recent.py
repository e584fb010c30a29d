"""A bounded memory of things that are dear to build: codecs, validators, documents.

Belongs here: the least-recently-used cache that contract parts share. May not know: what it keeps.
A tenant's own fields make another schema, so without a bound a hub of many tenants would keep every one for ever.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `size` values by key; the one used longest ago goes first. Safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, build: Callable[[], V]) -> V:
        """The value kept under `key`, built when there is none; two threads may build it, one of the two stays."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        built = build()
        with self._lock:
            kept = self._kept.setdefault(key, built)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
            return kept

    def __len__(self) -> int:
        return len(self._kept)
