"""The Tryton adapter keeps the port's promises, against a real Tryton."""

from __future__ import annotations

import pytest

from saddlebag.bridge.testing import AdapterKit


@pytest.mark.heavy
class TestTryton(AdapterKit):
    """`world` and `store` come from this folder's conftest."""
