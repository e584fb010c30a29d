"""`interop/gsoap/`: the C++ code that gSOAP's wsdl2h and soapcpp2 make of all WSDLs together; both SOAP versions.

Belongs here: generating, compiling and starting the client. May not know: what the answers must hold.
"""

from __future__ import annotations

import re
from pathlib import Path

from lxml import etree

from conformance.compiled import WSDLS, made, programs, run
from conformance.foreign import Play, Program, base, declare, in_words
from conformance.report import Skip, Suite
from conformance.translate import as_text
from conformance.wire import Target

SUITE = Suite("interop/gsoap", brief=())
_SOURCE = Path(__file__).with_name("gsoap") / "client.cpp"
_HEADER = Path("/usr/include/stdsoap2.h")
_TIMES = Path("/usr/share/gsoap/custom/struct_timeval.c")
"""gSOAP's own serialiser of times, which its code for WS-Security policies asks for."""
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
_PREFIX = re.compile(r"^//gsoap (ns\d+) +schema namespace:\s+urn:saddlebag:(\w+):v1", re.MULTILINE)
_BLOCK = re.compile(r'^/// "(\w+)" SOAP Header part element', re.MULTILINE)


def _operations(generated: str) -> str:
    """What client.cpp includes: every operation with gSOAP's prefix of its service, every header block."""
    prefixes = {service: prefix for prefix, service in _PREFIX.findall(generated)}
    lines = [f"BLOCK({name})" for name in dict.fromkeys(_BLOCK.findall(generated))]
    for service, file in WSDLS.items():
        for each in etree.parse(file).iterfind(f"{_WSDL}portType/{_WSDL}operation"):
            form = "ONE_WAY" if each.find(f"{_WSDL}output") is None else "OPERATION"
            lines.append(f"{form}({prefixes[service]}, {service}, {each.get('name')})")
    return "\n".join(lines) + "\n"


def _make(folder: Path) -> None:
    describe, generate, compiler = programs("wsdl2h", "soapcpp2", "g++")
    run([describe, "-c++", "-oall.h", *WSDLS.values()], folder)
    run([generate, "-C", "-w", "-x", "-L", "all.h"], folder)
    (folder / "operations.h").write_text(_operations((folder / "all.h").read_text()))
    for source in ("soapC.cpp", "soapClient.cpp", _SOURCE):
        run([compiler, "-O0", "-DWITH_OPENSSL", "-DWITH_GZIP", "-I.", "-c", source], folder)
    run([compiler, "-O0", "-I.", "-x", "c++", "-c", _TIMES, "-o", "times.o"], folder)
    objects = ("soapC.o", "soapClient.o", "client.o", "times.o")
    run([compiler, "-o", "client", *objects, "-lgsoapssl++", "-lssl", "-lcrypto", "-lz"], folder)
    for name in (*objects, "soapC.cpp", "soapH.h", "soapStub.h"):
        (folder / name).unlink()


def _open(target: Target, version: str) -> Play:
    programs("wsdl2h", "soapcpp2", "g++")
    if not (_HEADER.exists() and _TIMES.exists()):
        raise Skip("gSOAP without the header files of its library (libgsoap-dev)")
    folder = made("gsoap", [Path(__file__), _SOURCE], _make)
    return in_words(Program([str(folder / "client"), base(target), version, str(target.ca or "")]))


_SECONDS = "gSOAP's time_t has no fractions of a second, and so no end of a period after what was written in it"
_CANNOT = {("metadata", "GetUpdated"): _SECONDS, ("metadata", "GetDeleted"): _SECONDS}
declare(SUITE, _open, form=as_text, nil=False, cannot=_CANNOT)
