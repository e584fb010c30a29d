"""Every namespace of the hub, in one place.

Belongs here: names. May not know: what is in them. The version is part of the name and changes only with a breaking
release.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = "v1"
TYPES: Final = f"urn:saddlebag:types:{VERSION}"
"""Records and common types; the namespace of every stored fragment."""
DESCRIBE: Final = f"urn:saddlebag:describe:{VERSION}"
"""What schemas say of fields beyond XML Schema (units, policies), in appinfo only."""

SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP11: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
WSDL_SOAP12: Final = "http://schemas.xmlsoap.org/wsdl/soap12/"
SOAP_HTTP: Final = "http://schemas.xmlsoap.org/soap/http"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSAM: Final = "http://www.w3.org/2007/05/addressing/metadata"
WSP: Final = "http://www.w3.org/ns/ws-policy"
SP: Final = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
WSOMA: Final = "http://schemas.xmlsoap.org/ws/2004/09/policy/optimizedmimeserialization"
XMIME: Final = "http://www.w3.org/2005/05/xmlmime"
XSD: Final = "http://www.w3.org/2001/XMLSchema"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


def service(name: str) -> str:
    """The target namespace of a service's WSDL and messages."""
    return f"urn:saddlebag:{name}:{VERSION}"
