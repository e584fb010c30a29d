"""The clock of a hub under measurement: it lives on the workload's day, and moves when the harness moves it.

Python imports this module at its start where `bench.hubs` puts the folder on PYTHONPATH; so it also reaches processes
that the hub starts itself. The hub's composition root is the one place that asks the clock, so that function is what is
replaced. SADDLEBAG_BENCH_CLOCK names a file with one little-endian double: seconds to add to the machine's clock. It is
mapped into memory: a shift that is read costs nothing that a figure would show.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_ROOT = "saddlebag.server.root"
_FORMAT = struct.Struct("<d")


class _Shifting(Loader):
    """Loads the root as it is, then lays the shifted clock over its own."""

    def __init__(self, loader: Any, shift: mmap.mmap) -> None:
        self._loader, self._shift = loader, shift

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        from datetime import timedelta

        self._loader.exec_module(module)
        machine, shift = module.now, self._shift  # no such function: the hub must not start on a wrong day
        module.now = lambda: machine() + timedelta(seconds=_FORMAT.unpack_from(shift)[0])  # type: ignore[attr-defined]


class _Finder(MetaPathFinder):
    def __init__(self, shift: mmap.mmap) -> None:
        self._shift = shift

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != _ROOT:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None:
            spec.loader = _Shifting(spec.loader, self._shift)
        return spec


_file = os.environ.get("SADDLEBAG_BENCH_CLOCK")
if _file:
    with open(_file, "rb") as _opened:
        _mapped = mmap.mmap(_opened.fileno(), _FORMAT.size, access=mmap.ACCESS_READ)
    sys.meta_path.insert(0, _Finder(_mapped))
