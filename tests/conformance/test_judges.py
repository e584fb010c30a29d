"""The judges find what is planted: a conformance check that cannot fail is worth nothing."""

from __future__ import annotations

import pytest
from conformance.wire import SOAP11, SOAP12, TYPES, Answer, envelope, fault_of, header
from lxml import etree

from conformance import attacks, attacks_layers, bp, bp_wsdl

WSDL = """<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t" name="Thing">
 <w:types><x:schema targetNamespace="urn:t" elementFormDefault="qualified">
  <x:element name="Get"/><x:element name="GetResponse"/><x:element name="Wrong"/><x:element name="Session"/>
 </x:schema></w:types>
 <w:message name="Get"><w:part name="parameters" element="t:Get"/></w:message>
 <w:message name="GetResponse"><w:part name="parameters" element="t:GetResponse"/></w:message>
 <w:message name="Wrong"><w:part name="fault" element="t:Wrong"/></w:message>
 <w:message name="Session"><w:part name="header" element="t:Session"/></w:message>
 <w:portType name="ThingPort"><w:operation name="Get"><w:documentation>Gets.</w:documentation>
  <w:input message="t:Get"/><w:output message="t:GetResponse"/><w:fault name="Wrong" message="t:Wrong"/>
 </w:operation></w:portType>
 <w:binding name="ThingSoap" type="t:ThingPort">
  <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
  <w:operation name="Get"><soap:operation soapAction="urn:t/Get"/>
   <w:input><soap:header message="t:Session" part="header" use="literal"/><soap:body use="literal"/></w:input>
   <w:output><soap:body use="literal"/></w:output>
   <w:fault name="Wrong"><soap:fault name="Wrong" use="literal"/></w:fault></w:operation></w:binding>
 <w:service name="Thing"><w:port name="ThingPort1" binding="t:ThingSoap"><soap:address location="https://h/t"/></w:port></w:service>
</w:definitions>"""

PLANTED = {
    "R2003": ("</w:types>", '<x:import namespace="urn:t"/></w:types>'),
    "R2023": ("<w:types>", '<w:message name="Early"/><w:types>'),
    "R2101": ('binding="t:ThingSoap"', 'binding="t:NoSuch"'),
    "R2105": ('<x:schema targetNamespace="urn:t"', "<x:schema"),
    "R2201": ('<w:message name="Get">', '<w:message name="Get"><w:part name="more" element="t:Get"/>'),
    "R2204": ('name="parameters" element="t:Get"/>', 'name="parameters" type="x:string"/>'),
    "R2205": ('part="header"', 'part="nosuch"'),
    "R2206": ('element="t:GetResponse"', 'element="t:NoSuch"'),
    "R2303": ('<w:input message="t:Get"/>', ""),
    "R2304": ("</w:operation></w:portType>", '</w:operation><w:operation name="Get"/></w:portType>'),
    "R2401": ('<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>', ""),
    "R2701": ('transport="http://schemas.xmlsoap.org/soap/http"', 'transport="urn:pigeon"'),
    "R2705": ('soapAction="urn:t/Get"', 'soapAction="urn:t/Get" style="rpc"'),
    "R2706": ('<soap:body use="literal"/></w:output>', '<soap:body use="encoded"/></w:output>'),
    "R2716": ('<soap:body use="literal"/></w:output>', '<soap:body use="literal" namespace="urn:t"/></w:output>'),
    "R2718": ("</w:operation></w:binding>", '</w:operation><w:operation name="More"/></w:binding>'),
    "R2721": ('<soap:fault name="Wrong"', '<soap:fault name="Other"'),
    "R2740": ('<w:fault name="Wrong"><soap:fault name="Wrong" use="literal"/></w:fault>', ""),
    "R2744": ('<soap:operation soapAction="urn:t/Get"/>', "<soap:operation/>"),
    "R2002": ("<w:types>", '<w:import namespace="urn:x" location="a.xsd"/><w:types>'),
    "R2005": ("</x:schema>", '<x:import namespace="urn:t"/></x:schema>'),
    "R2007": ("<w:types>", '<w:import namespace="urn:x"/><w:types>'),
    "R2008": ("</x:schema>", "<x:include/></x:schema>"),
    "R2020": ('<w:input message="t:Get"/>', '<w:input message="t:Get"/><w:documentation>Late.</w:documentation>'),
    "R2026": ('<soap:body use="literal"/></w:output>', '<soap:body use="literal" w:required="true"/></w:output>'),
    "R2029": ('xmlns:w="http://schemas.xmlsoap.org/wsdl/"', 'xmlns:w="urn:w"'),
    "R2111": ('<x:element name="Get"/>', '<x:element name="Get" w:arrayType="t:a[]"/>'),
    "R2202": ('<soap:body use="literal"/></w:output>', '<soap:body use="literal" parts="nosuch"/></w:output>'),
    "R2203": ('name="parameters" element="t:Get"/>', 'name="parameters" type="x:string"/>'),
    "R2209": ("<w:portType", '<w:message name="M"><w:part name="p" element="t:Get"/></w:message><w:portType'),
    "R2210": ('<w:message name="Get">', '<w:message name="Get"><w:part name="more" element="t:Get"/>'),
    "R2302": ('<w:operation name="Get"><w:doc', '<w:operation name="Get" parameterOrder="a"><w:doc'),
    "R2306": ('name="parameters" element="t:Get"/>', 'name="parameters" element="t:Get" type="x:string"/>'),
    "R2700": ('<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>', ""),
    "R2702": ('transport="http://schemas.xmlsoap.org/soap/http"', 'transport="urn:pigeon"'),
    "R2707": ('<soap:body use="literal"/></w:output>', '<soap:body use="encoded"/></w:output>'),
    "R2709": ('type="t:ThingPort"', 'type="t:NoSuch"'),
    "R2711": (
        '<w:port name="ThingPort1"',
        '<w:port name="P" binding="t:ThingSoap"><soap:address location="https://h/t"/></w:port><w:port name="Q"',
    ),
    "R2713": ('soapAction="urn:t/Get"', 'soapAction="urn:t/ Get"'),
    "R2714": ('<w:output message="t:GetResponse"/>', ""),
    "R2717": ('<soap:body use="literal"/></w:output>', '<soap:body use="literal" namespace="urn:t"/></w:output>'),
    "R2719": ('<soap:body use="literal"/></w:output>', '<soap:headerfault/><soap:body use="literal"/></w:output>'),
    "R2722": ('<soap:fault name="Wrong" use="literal"/>', '<soap:fault name="Wrong" use="encoded"/>'),
    "R2728": ('part="header" use="literal"', 'part="header" use="encoded"'),
    "R2748": ('<soap:operation soapAction="urn:t/Get"/>', '<soap:operation soapAction="urn:t/Get" w:required="true"/>'),
    "R2749": ('part="header"', 'part="header more"'),
    "R2754": ('<soap:fault name="Wrong"', '<soap:fault name="Other"'),
    "R2800": ("</w:types>", "<x:other/></w:types>"),
    "R5001": ("https://h/t", "http://h/t"),
    "W5": ('<w:service name="Thing">', '<w:service name="ThingPort">'),
    "documentation": ("Gets.", " "),
}


def test_a_description_without_fault_offends_no_rule() -> None:
    tree = etree.fromstring(WSDL)
    assert bp_wsdl.RULES is bp.RULES
    offences = {number: list(find(tree)) for number, find in bp.RULES.items()}
    assert {number: found for number, found in offences.items() if found} == {}


@pytest.mark.parametrize("number", PLANTED)
def test_a_planted_offence_is_found(number: str) -> None:
    right, wrong = PLANTED[number]
    assert right in WSDL
    assert list(bp.RULES[number](etree.fromstring(WSDL.replace(right, wrong, 1))))


def _answer(inner: str, version: str) -> Answer:
    return Answer(500, {"content-type": "text/xml; charset=utf-8"}, envelope(inner, version=version))


@pytest.mark.parametrize("version", [SOAP11, SOAP12])
def test_a_fault_is_read_in_both_versions(version: str) -> None:
    detail = f'<t:SaddlebagFault xmlns:t="{TYPES}"><t:code>SB1006</t:code></t:SaddlebagFault>'
    inner = {
        SOAP11: "<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring>"
        f"<detail>{detail}</detail></s:Fault>",
        SOAP12: "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason><s:Text>no</s:Text></s:Reason>"
        f"<s:Detail>{detail}</s:Detail></s:Fault>",
    }[version]
    fault = _answer(inner, version).fault
    assert fault is not None
    assert (fault.version, fault.text, fault.detail) == (version, "no", {"code": "SB1006"})
    assert fault.code == {SOAP11: "Client", SOAP12: "Sender"}[version]


def test_an_answer_that_is_a_fault_has_no_result() -> None:
    inner = "<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring></s:Fault>"
    with pytest.raises(AssertionError, match="a fault came"):
        _answer(inner, SOAP11).text("time")


def test_what_is_sent_is_escaped() -> None:
    tree = etree.fromstring(envelope("<m:Get/>", header("Session", token="<&>")))
    assert tree.findtext(f".//{{{TYPES}}}token") == "<&>"
    assert fault_of(tree) is None


@pytest.mark.parametrize("name", attacks.FLOODS)
def test_a_flood_is_as_large_as_the_hub_lets_in_or_larger_than_it_should(name: str) -> None:
    """Below the cap on bytes, or the size alone would be refused and nothing else tried."""
    size = len(attacks.FLOODS[name]())
    assert 200 < size < 8 * 1024 * 1024


@pytest.mark.parametrize("name", attacks_layers.LAYERS)
def test_a_flood_of_one_layer_is_as_large_as_the_hub_lets_in(name: str) -> None:
    assert 200 < len(attacks_layers.LAYERS[name]().body) < 8 * 1024 * 1024
