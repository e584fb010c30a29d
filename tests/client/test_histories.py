"""Random histories against a hub in memory: edits here and there, bad weather, kills, restored images.

Whatever happened, the laptop comes to hold what the hub wants it to, and no edit is lost or taken over twice.
"""

from __future__ import annotations

from hypothesis import settings

from examples import examples
from laptop_histories import Disturbed, Ordinary

_SETTINGS = settings(max_examples=examples(40), stateful_step_count=35)
TestOrdinary = Ordinary.TestCase
TestOrdinary.settings = _SETTINGS
TestDisturbed = Disturbed.TestCase
TestDisturbed.settings = _SETTINGS
