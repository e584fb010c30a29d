"""A small organisation in plain tables, with the customers of a rep close enough for a scope that holds something."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.plain import Plain, copied
from bench.prepared import text_of
from bench.workload import Sizes, Workload

from saddlebag.model.builtin import BUILTIN


@pytest.fixture(scope="session")
def small_organisation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of its tables; not to be written to."""
    file = tmp_path_factory.mktemp("bench") / "plain.sqlite"
    tables = Plain(file)
    tables.create({each.name: [field.name for field in each.fields] for each in BUILTIN.entities})
    for entity, rows in Workload(Sizes(customers=1_000, reps=5, products=50)).records():
        names = [each.name for each in BUILTIN.entity(entity).fields]
        tables.fill(entity, ([record, *(text_of(values.get(name)) for name in names)] for record, values in rows))
    tables.finish()
    tables.close()
    return file


@pytest.fixture
def plain(small_organisation: Path, tmp_path: Path) -> Plain:
    """The tables, of one's own."""
    return copied(small_organisation, tmp_path / "plain.sqlite")
