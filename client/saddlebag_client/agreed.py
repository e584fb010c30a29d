"""Agreed: how file and hub pack what they send, as far as they have found out.

Belongs here: the dictionary that the tenant's descriptions give, and whether the hub has shown that it has the same.
May not know: HTTP, how packing is done (`kernel.packing`).

The laptop offers its dictionary with each request. Once the hub has answered with it, requests use it too; a hub that
was upgraded meanwhile refuses such a request before it does anything, and the same request goes out again as gzip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from saddlebag.kernel.packing import Dictionary, dictionary
from saddlebag_client.describe import EntityInfo, descriptions
from saddlebag_client.local import LocalFile


def _forget(agreed: bool) -> None:
    """Nothing is kept where there is no file."""


@dataclass(slots=True)
class Packing:
    """What may be used for this hub; `changed` is told when `agreed` is."""

    dictionary: Dictionary | None = None
    agreed: bool = False
    changed: Callable[[bool], None] = _forget

    def agree(self, agreed: bool) -> None:
        """Take note whether the hub has the dictionary."""
        if agreed != self.agreed:
            self.agreed = agreed
            self.changed(agreed)


def dictionary_for(entities: Iterable[EntityInfo]) -> Dictionary:
    """The dictionary of a tenant's entities, which the hub derives from its declarations."""
    return dictionary((each.name, [(field.name, field.values) for field in each.fields]) for each in entities)


def packing_of(file: LocalFile) -> Packing:
    """What this file and its hub have agreed on."""
    text = file.get("dictionary")
    if text is None:  # the file was made before there were dictionaries
        text = dictionary_for(descriptions(file).entities).text
        file.put(dictionary=text)
    known = Dictionary(text)

    def changed(agreed: bool) -> None:
        file.put(agreed=known.coding if agreed else None)

    return Packing(known, file.get("agreed") == known.coding, changed)
