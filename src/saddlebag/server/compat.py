"""Makes Spyne 2.14.0 importable on Python 3.12 and later. Imported before the first `import spyne`, everywhere.

Belongs here: what has to stand in `sys.modules` before Spyne looks. May not know: anything of Saddlebag.

Spyne carries a copy of `six` whose lazy `six.moves` relies on an import hook that Python 3.12 no longer calls (S1). The
maintained `six` takes its place; Spyne asks it for one function more. On 3.13 `cgi` comes from `legacy-cgi` (S2).
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from operator import attrgetter
from typing import Final

SPYNE_SIX: Final = "spyne.util.six"
MOVES: Final = (
    "collections_abc",
    "http_cookies",
    "urllib",
    "urllib.error",
    "urllib.parse",
    "urllib.request",
)
"""The parts of `six.moves` that Spyne imports by name."""

_function_name: Callable[[Callable[..., object]], str] = attrgetter("__name__")


def install() -> None:
    """Put the maintained `six` where Spyne looks for its own copy; a second call changes nothing."""
    if isinstance(sys.modules.get(SPYNE_SIX), _SpyneSix):
        return
    module = _SpyneSix(SPYNE_SIX)
    six = importlib.import_module("six")
    module.__dict__.update({name: value for name, value in vars(six).items() if not name.startswith("__")})
    module.__dict__["get_function_name"] = _function_name
    module.__path__ = []
    sys.modules[SPYNE_SIX] = module
    moves = f"{SPYNE_SIX}.moves"
    sys.modules[moves] = importlib.import_module("six.moves")
    for name in MOVES:
        sys.modules[f"{moves}.{name}"] = importlib.import_module(f"six.moves.{name}")


class _SpyneSix(types.ModuleType):
    """The type of our module, by which a second `install` knows it."""

    __path__: list[str]


install()
