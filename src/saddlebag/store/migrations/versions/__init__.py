"""One module a step, named `v<number>_<what>`."""

from __future__ import annotations
