"""The store: the port in `base`, its SQL implementation, schema versions, and the kit every store must pass.

Floor 2. The only package that speaks SQL. It knows the model and the kernel, never XML contracts or
principals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from saddlebag.model.builtin import BUILTIN
from saddlebag.model.entities import Schema

if TYPE_CHECKING:
    from saddlebag.store.sql import SqlStore


def open_store(
    url: str,
    schema: Schema = BUILTIN,
    *,
    clock: Callable[[], float] = time.monotonic,
    connections: int | None = None,
) -> SqlStore:
    """The store at `sqlite:///FILE` or `postgresql://...`; raises SETTING_INVALID for any other URL.

    `connections` is how many threads will use it at once; without it the pool has the size of `store.engine`.
    """
    from saddlebag.store.engine import POOL_SIZE
    from saddlebag.store.sql import SqlStore

    return SqlStore(url, schema, clock=clock, connections=connections or POOL_SIZE)


def init_store(url: str, schema: Schema = BUILTIN) -> None:
    """Make an empty database ready to serve; one of an older version waits for `migrate`. Raises UNAVAILABLE."""
    from saddlebag.store.versions import initialise

    initialise(url, schema)
