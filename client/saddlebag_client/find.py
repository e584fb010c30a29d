"""Finding the record that a person means: by id, by the beginning of an id, or by what it is called.

Belongs here: names to records, one rule for every command. May not know: what is done with them.
"""

from __future__ import annotations

from typing import Final

from saddlebag.kernel.errors import AMBIGUOUS_NAME, NOT_FOUND, SaddlebagError
from saddlebag.kernel.ids import check_id
from saddlebag_client import rows
from saddlebag_client.describe import Descriptions, EntityInfo, label
from saddlebag_client.local import LocalFile
from saddlebag_client.rows import Held

_ID_BEGINNING: Final = 4
_SHOWN: Final = 5


class Finder:
    """Looks records up in one file."""

    def __init__(self, file: LocalFile, descriptions: Descriptions) -> None:
        self._file = file
        self._descriptions = descriptions
        self._labels: dict[str, dict[str, str]] = {}

    def record(self, info: EntityInfo, name: str) -> Held:
        """The one record of the entity that `name` means; NOT_FOUND or AMBIGUOUS_NAME otherwise."""
        if (exact := rows.one(self._file, info.name, info.lists, name)) is not None:
            return exact
        return _single(info, name, rows.read(self._file, info.name, info.lists))

    def resolve(self, entity: str, name: str) -> str:
        """The id of the record that `name` means.

        Of an entity that this laptop holds nothing of, an id is taken at its word; the hub checks it.
        """
        info = self._descriptions.entity(entity)
        if not rows.any_of(self._file, info.name):
            return check_id(name.strip())
        return self.record(info, name.strip()).id

    def label(self, entity: str, record_id: str) -> str:
        """What people know the record by; its id where it is not held here."""
        if entity not in self._labels:
            info = self._descriptions.entity(entity)
            self._labels[entity] = {each.id: label(info, each) for each in rows.read(self._file, entity, info.lists)}
        return self._labels[entity].get(record_id, record_id)


def _single(info: EntityInfo, name: str, records: list[Held]) -> Held:
    wanted = name.casefold()
    named = [(label(info, each).casefold(), each) for each in records]
    tries = (
        [each for each in records if len(name) >= _ID_BEGINNING and each.id.startswith(name)],
        [each for known, each in named if known == wanted],
        [each for known, each in named if wanted in known],
    )
    for found in tries:
        if len(found) == 1:
            return found[0]
        if found:
            shown = "; ".join(f"{label(info, each)} ({each.id})" for each in found[:_SHOWN])
            more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            reason = f"{len(found)} of {info.plural} answer to {name!r}: {shown}{more}."
            raise SaddlebagError(AMBIGUOUS_NAME, reason, entity=info.name)
    raise SaddlebagError(NOT_FOUND, f"None of the {info.plural} on this laptop answers to {name!r}.", entity=info.name)
