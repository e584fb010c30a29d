"""Every installed service's contract: small, sound by the standards' own schemas, loaded by a strict client."""

from __future__ import annotations

import io
from importlib.metadata import EntryPoint, entry_points

import pytest
import xmlschema
import zeep
from lxml import etree
from zeep.transports import Transport

from saddlebag.contract import documents, publish
from saddlebag.contract.namespaces import WSDL_SOAP11, WSDL_SOAP12
from saddlebag.contract.spec import Service
from saddlebag.contract.validate import validator_for
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.builtin import BUILTIN

INSTALLED = sorted(entry_points(group="saddlebag.services"))
SERVICES = pytest.mark.parametrize("installed", INSTALLED, ids=lambda each: each.name)


class Offline(Transport):
    """Answers with one document whatever is asked, so that no test reaches a network."""

    def __init__(self, document: bytes) -> None:
        super().__init__()
        self._document = document

    def load(self, url: str) -> bytes:
        return self._document


def _service(installed: EntryPoint) -> Service:
    service: Service = installed.load()(BUILTIN)
    return service


def _wsdl(installed: EntryPoint) -> bytes:
    return documents.single_wsdl(_service(installed), BUILTIN, f"https://hub.example/acme/{installed.name}/v1")


@SERVICES
def test_a_service_is_named_as_it_is_installed(installed: EntryPoint) -> None:
    assert _service(installed).name == installed.name


@SERVICES
def test_its_wsdl_stays_below_100_kb(installed: EntryPoint) -> None:
    assert len(_wsdl(installed)) < 100_000


@SERVICES
def test_the_wsdl_schemas_find_no_fault_in_either_binding(installed: EntryPoint) -> None:
    language = publish.wsdl_language()
    wsdl = _wsdl(installed)
    for document in (wsdl, wsdl.replace(WSDL_SOAP12.encode(), WSDL_SOAP11.encode())):
        resource = xmlschema.XMLResource(io.BytesIO(document), defuse="always", allow="none")
        assert [each.reason for each in language.iter_errors(resource)] == []


@SERVICES
def test_zeep_loads_it_strictly_and_sees_every_operation(installed: EntryPoint) -> None:
    settings = zeep.Settings(strict=True, forbid_external=True, forbid_dtd=True, forbid_entities=True)
    client = zeep.Client("https://hub.example/wsdl", transport=Offline(_wsdl(installed)), settings=settings)
    (service,) = client.wsdl.services.values()
    expected = {each.name for each in _service(installed).operations}
    assert [set(port.binding.all()) for port in service.ports.values()] == [expected, expected]


@SERVICES
def test_its_requests_can_be_validated(installed: EntryPoint) -> None:
    """An operation without required members takes its empty wrapper; the others say what they lack."""
    service = _service(installed)
    validator = validator_for(service, BUILTIN)
    for operation in service.operations:
        wrapper = etree.Element(f"{{urn:saddlebag:{service.name}:v1}}{operation.name}")
        if any(each.required for each in operation.request):
            with pytest.raises(SaddlebagError, match="lacks what belongs next"):
                validator.check(wrapper)
        else:
            assert validator.check(wrapper) is None


def test_all_services_publish_together() -> None:
    """One name means one thing across services: they share the types document."""
    services = [_service(each) for each in INSTALLED]
    published = documents.published(services, BUILTIN)
    assert len(published) == 1 + 2 * len(services)
