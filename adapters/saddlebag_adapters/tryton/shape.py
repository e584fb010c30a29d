"""The shape of the database in hand: which models and fields it has, and who its own people are.

Belongs here: capabilities, asked for once and never assumed: names move between series (`uom` became `unit`), and a
database has only the modules that somebody switched on. May not know: streams.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from saddlebag.kernel.errors import ADAPTER_CONFIGURATION, ADAPTER_FATAL, SaddlebagError
from saddlebag_adapters.tryton.rows import tidy
from saddlebag_adapters.tryton.rpc import Rpc


class Shape:
    """What one log-in can see, learned as it is needed."""

    def __init__(self, rpc: Rpc, settings: Mapping[str, Any]) -> None:
        self._rpc = rpc
        self._company = settings["company"]
        self._fields: dict[str, Mapping[str, Any]] = {}
        self._context: dict[str, object] = {}
        self._parties: list[int] | None = None

    @property
    def context(self) -> dict[str, object]:
        """The user's preferences as Tryton wants them with each call; archived rows are wanted too."""
        if not self._context:
            given = self._rpc.call("model.res.user.get_preferences", True)
            if self._company is not None:
                given["company"] = self._company
            if not given.get("company"):
                raise SaddlebagError(
                    ADAPTER_CONFIGURATION, "The Tryton user has no company; give one.", field="company"
                )
            self._context = {**given, "active_test": False}
        return self._context

    def fields(self, model: str) -> Mapping[str, Any]:
        """The model's fields by name; empty where the database has no such model."""
        if model not in self._fields:
            try:
                self._fields[model] = self._rpc.call(f"model.{model}.fields_get", None, context=self.context)
            except SaddlebagError as error:
                if error.kind is not ADAPTER_FATAL:
                    raise
                # Tryton answers a call of an unknown model with the bare name that it did not find.
                self._fields[model] = {}
        return self._fields[model]

    def known(self, model: str, names: Iterable[str]) -> list[str]:
        """Those of the dotted field names that the database has."""
        return [name for name in names if self._has(model, name)]

    def _has(self, model: str, name: str) -> bool:
        first, _, rest = name.partition(".")
        declared = self.fields(model).get(first)
        if declared is None:
            return False
        return not rest or self._has(str(declared.get("relation")), rest)

    def own_parties(self) -> list[int]:
        """The parties that are the companies themselves and their employees."""
        if self._parties is None:
            rows = self.search_read("company.company", [], ["party"])
            rows += self.search_read("company.employee", [], ["party"])
            self._parties = sorted({int(row["party"]) for row in rows})
        return self._parties

    def currency(self) -> str | None:
        """The code of the company's currency: product prices are in it."""
        company = ["id", "=", self.context["company"]]
        rows = self.search_read("company.company", [company], ["currency.code"])
        return str(rows[0]["currency"]["code"]) if rows and rows[0].get("currency") else None

    def search_read(
        self,
        model: str,
        domain: list[Any],
        fields: list[str],
        *,
        limit: int | None = None,
        order: list[list[str]] | None = None,
        context: Mapping[str, object] | None = None,
    ) -> list[dict[str, Any]]:
        """Rows of a model that meet the domain, tidied."""
        asked = {**self.context, **(context or {})}
        method = f"model.{model}.search_read"
        found = self._rpc.call(method, domain, 0, limit, order or [["id", "ASC"]], fields, context=asked)
        return [tidy(row) for row in found]

    def search(self, model: str, domain: list[Any], *, limit: int | None = None) -> list[int]:
        """Ids of rows that meet the domain, ascending."""
        found: list[int] = self._rpc.call(
            f"model.{model}.search", domain, 0, limit, [["id", "ASC"]], context=self.context
        )
        return found

    def count(self, model: str, domain: list[Any]) -> int:
        """How many rows meet the domain."""
        return int(self._rpc.call(f"model.{model}.search_count", domain, context=self.context))
