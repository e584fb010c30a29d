"""How many random examples a test tries that needs a number of its own, under the Hypothesis profile in force."""

from __future__ import annotations

from hypothesis import settings

_FULL = 100
"""What `max_examples` is in a profile that asks for everything."""


def examples(number: int) -> int:
    """`number` in a full profile, and the profile's share of it in a brief one; at least one."""
    return max(1, number * settings.default.max_examples // _FULL)
