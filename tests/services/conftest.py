"""The organisation and its services, called as the server calls them: handler, then the answer's XML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any

import pytest
from lxml import etree

from records_world import World
from saddlebag.contract.codec import codec_for
from saddlebag.contract.validate import validator_for
from saddlebag.kernel import limits
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.records.call import Call, Hub
from saddlebag.security.masterkeys import MasterKeys
from saddlebag.security.principal import Principal
from saddlebag.server.messages import MessageCodec
from saddlebag.server.xop import INCLUDED
from shared_world import shared_store, world

__all__ = ["Desk", "desk", "shared_store", "world"]


@dataclass
class Desk:
    """Calls operations as a user of the organisation."""

    world: World
    answers: list[str] = field(default_factory=list)
    """Every answer as XML; one that the published schema does not allow fails the test."""
    session_seconds: int = limits.SESSION_SECONDS
    masters: MasterKeys = MasterKeys([b"m" * 32])  # noqa: RUF009 - a value that nobody changes

    def ask(self, who: str | Principal | None, name: str, request: dict[str, Any] | None = None, **options: Any) -> Any:
        """The answer's members; `options` are those of `Call` (idempotency_key, all_or_none, if_version...)."""
        self.world.tick()
        service_name, _, operation_name = name.partition(".")
        service = SERVICES[service_name](BUILTIN)
        operation = service.operation(operation_name)
        assert operation is not None, name
        principal = self.world.principal(who) if isinstance(who, str) else who
        call = Call(
            self._hub(), self.world.store.tenant(self.world.tenant), principal, self.world.now, "request", **options
        )
        answer = operation.handler(call, request or {})
        written = MessageCodec(service, operation, codec_for(BUILTIN)).write(answer).replace(INCLUDED, "")
        validator_for(service, BUILTIN).check(etree.fromstring(written))
        self.answers.append(written)
        return answer

    def refusal(
        self, who: str | None, name: str, request: dict[str, Any] | None = None, **options: Any
    ) -> SaddlebagError:
        """The fault of a call that is refused."""
        with pytest.raises(SaddlebagError) as caught:
            self.ask(who, name, request, **options)
        return caught.value

    def _hub(self) -> Hub:
        secrets = (f"secret-{len(self.answers)}-{n:056d}" for n in range(99))
        return Hub(
            self.world.store,
            self.world.new_id,
            lambda: next(secrets),
            lambda: self.world.now,
            "1.0",
            "https://hub",
            session_seconds=self.session_seconds,
            master_keys=lambda: self.masters,
        )


SERVICES: dict[str, Callable[..., Any]] = {each.name: each.load() for each in entry_points(group="saddlebag.services")}


@pytest.fixture
def desk(world: World) -> Desk:
    """The organisation's services."""
    return Desk(world)
