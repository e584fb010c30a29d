"""`attacks/`: messages made to hurt. Each is refused with a typed fault, soon, while another caller is answered.

Each may cost the hub's process 250 ms of CPU and 50 MB; what it did cost stands in the report.

Belongs here: hostile messages of bounded size. May not know: how the hub defends itself.
"""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from xml.parsers import expat

from conformance.report import Suite, expect
from conformance.wire import (
    GET_TIME,
    MEDIA,
    SOAP11,
    Answer,
    Target,
    answers,
    envelope,
    exchange,
    post,
    read_head,
    stream,
)

SUITE = Suite("attacks")
MEGABYTE = 1024 * 1024
CPU_SECONDS = 0.25
"""On a machine that reads the document of `_slowness` in `REFERENCE` seconds; a slower one has so much more time."""
REFERENCE = 0.03
MEMORY = 50 * MEGABYTE
ATTACKERS = 4
REFUSALS = ("SB1001", "SB1002", "SB1003", "SB1005", "SB1006", "SB1007", "SB1009", "SB5001", "SB5002", "SB5003")
NAMES = f'xmlns:s="{SOAP11}" xmlns:m="urn:saddlebag:session:v1" xmlns:t="urn:saddlebag:types:v1"'


def message(inside: str, header: str = "", before: str = "") -> bytes:
    """An envelope around this text."""
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f"{before}<s:Envelope {NAMES}>{head}<s:Body>{inside}</s:Body></s:Envelope>".encode()


def attributes() -> bytes:
    """80,000 attributes on one element (S28: quadratic in lxml)."""
    return message("<m:GetServerTime " + " ".join(f'a{n}="1"' for n in range(80_000)) + "/>")


def many_names() -> bytes:
    """40,000 namespace declarations on one element."""
    return message("<m:GetServerTime " + " ".join(f'xmlns:n{n}="urn:{n}"' for n in range(40_000)) + "/>")


def spread_names() -> bytes:
    """A new namespace on each of 20,000 elements."""
    return message(
        "<m:GetServerTime>" + "".join(f'<n{n}:a xmlns:n{n}="urn:{n}"/>' for n in range(20_000)) + "</m:GetServerTime>"
    )


def elements() -> bytes:
    """A million empty elements."""
    return message("<m:GetServerTime>" + "<a/>" * 1_000_000 + "</m:GetServerTime>")


def headers() -> bytes:
    """50,000 header blocks."""
    return message(GET_TIME, '<x xmlns="urn:x" s:mustUnderstand="1"/>' * 50_000)


def depth() -> bytes:
    """200,000 levels."""
    return message("<m:GetServerTime>" + "<a>" * 200_000 + "</a>" * 200_000 + "</m:GetServerTime>")


def unclosed() -> bytes:
    """A million opened elements that never close."""
    return message("<m:GetServerTime>" + "<a>" * 1_000_000)


def entities() -> bytes:
    """Entities that expand to a billion laughs."""
    lines = ['<!ENTITY e0 "ha">', *(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))]
    return message("<m:GetServerTime>&e9;</m:GetServerTime>", before=f"<!DOCTYPE a [{''.join(lines)}]>")


def quadratic() -> bytes:
    """One long entity named many times."""
    before = f'<!DOCTYPE a [<!ENTITY e "{"x" * 50_000}">]>'
    return message("<m:GetServerTime>" + "&e;" * 50_000 + "</m:GetServerTime>", before=before)


def external() -> bytes:
    """An external entity that would read a file."""
    before = '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    return message("<m:GetServerTime>&e;</m:GetServerTime>", before=before)


def parameter_entity() -> bytes:
    """An external subset that would make a connection."""
    return message(GET_TIME, before='<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">')


def long_text() -> bytes:
    """Five million characters in one member."""
    return message(f"<m:Login><m:user>{'x' * 5_000_000}</m:user><m:password>y</m:password></m:Login>")


def long_name() -> bytes:
    """An element name of a million letters."""
    return message(f"<m:{'x' * 1_000_000}/>")


def long_attribute() -> bytes:
    """An attribute of five million characters."""
    return message(f'<m:GetServerTime a="{"x" * 5_000_000}"/>')


def references() -> bytes:
    """A million character references."""
    return message(f"<m:Login><m:user>{'&#65;' * 1_000_000}</m:user><m:password>y</m:password></m:Login>")


def comments() -> bytes:
    """Comments and CDATA sections without end, then nonsense."""
    return message("<m:GetServerTime>" + "<!--x--><![CDATA[x]]>" * 300_000 + "</m:GetServerTime>")


def hash_collisions() -> bytes:
    """100,000 different element names: a table that fills."""
    return message("<m:GetServerTime>" + "".join(f"<a{n}/>" for n in range(100_000)) + "</m:GetServerTime>")


def href_cycle() -> bytes:
    """SOAP encoding's references in a circle (S27, P13)."""
    return message('<m:Login><m:user href="#a"/><m:password id="a" href="#a"/></m:Login>')


def most_elements() -> bytes:
    """As many elements as the hub takes, each with text: the dearest message that is let in to be validated."""
    return message("<m:GetServerTime>" + "<m:a>x</m:a>" * 74_900 + "</m:GetServerTime>")


def most_prefixes() -> bytes:
    """As many attributes as the hub takes, each a new prefix for the same namespace."""
    return message(
        "<m:GetServerTime>" + "".join(f'<p{n}:a xmlns:p{n}="urn:a"/>' for n in range(29_900)) + "</m:GetServerTime>"
    )


def most_name_bytes() -> bytes:
    """As many bytes of different names as the hub takes."""
    return message("<m:GetServerTime>" + "".join(f"<n{n:025}/>" for n in range(74_000)) + "</m:GetServerTime>")


FLOODS: Mapping[str, Callable[[], bytes]] = {
    "attribute-flood": attributes,
    "namespace-flood": many_names,
    "namespace-spread": spread_names,
    "element-flood": elements,
    "header-flood": headers,
    "name-flood": hash_collisions,
    "depth": depth,
    "unclosed": unclosed,
    "entity-expansion": entities,
    "entity-quadratic": quadratic,
    "entity-external": external,
    "dtd-external": parameter_entity,
    "long-text": long_text,
    "long-name": long_name,
    "long-attribute": long_attribute,
    "character-references": references,
    "comments": comments,
    "most-elements": most_elements,
    "most-prefixes": most_prefixes,
    "most-name-bytes": most_name_bytes,
    "href-cycle": href_cycle,
}


def judge(target: Target, attack: Callable[[], Answer], codes: tuple[str, ...] = REFUSALS) -> None:
    """Attack four times at once; the attacks are refused, and a peaceful call is answered before they all are over."""
    found: list[Answer | Exception] = []

    def once() -> None:
        try:
            found.append(attack())
        except OSError as problem:
            found.append(problem)

    threads = [threading.Thread(target=once) for _ in range(ATTACKERS)]
    for thread in threads:
        thread.start()
    peaceful = answers(target)
    for thread in threads:
        thread.join()
    expect(peaceful, "another call was not answered meanwhile")
    expect(answers(target), "no call is answered afterwards")
    for each in found:
        if not isinstance(each, OSError):  # a closed connection is a refusal too, when the hub cuts a flood short
            _refused(each, codes)
    expect(any(isinstance(each, Answer) for each in found), f"no attack was answered with a fault: {found[0]}")


def _refused(answer: Answer | Exception, codes: tuple[str, ...]) -> None:
    assert isinstance(answer, Answer)
    expect(answer.fault, f"HTTP {answer.status} without a fault")
    assert answer.fault is not None
    expect(answer.fault.detail.get("code") in codes, f"fault {dict(answer.fault.detail)}")
    expect(b"ha" * 50 not in answer.body and b"xxxxxxxxxxxxxxxxxxxxxxxxx" not in answer.body, "the message is echoed")


def _declare(name: str, make: Callable[[], bytes]) -> None:
    @SUITE.check(name)
    def flood(target: Target) -> str:
        body = make()
        return resisted(target, lambda: post(target, "session", body))

    @SUITE.check(f"{name}-gzip")
    def packed(target: Target) -> str:
        body = gzip.compress(make(), 9)
        return resisted(target, lambda: post(target, "session", body, headers={"Content-Encoding": "gzip"}))


for _name, _make in FLOODS.items():
    _declare(_name, _make)


def resisted(target: Target, attack: Callable[[], Answer], codes: tuple[str, ...] = REFUSALS) -> str:
    """Judge an attack and what each costs: memory while four come at once, CPU when one comes alone; the figures.

    Of CPU the least of some tries counts, where the first is beyond the bound: it may have met something that the hub
    does besides.
    """
    if target.process is None:
        judge(target, attack, codes)
        return "not measured: only a hub of our own is"
    place = Path(f"/proc/{target.process}")
    (place / "clear_refs").write_text("5")  # from here on the peak is counted anew
    before = _bytes(place, "VmRSS")
    judge(target, attack, codes)
    grown = max(0, _bytes(place, "VmHWM") - before) // ATTACKERS
    seconds = _cost(place, attack)
    for _ in range(8):
        if seconds <= CPU_SECONDS * _slowness():
            break
        seconds = min(seconds, _cost(place, attack))
    told = f"{seconds * 1000:.0f} ms of CPU, {grown / MEGABYTE:.1f} MB"
    expect(seconds <= CPU_SECONDS * _slowness() and grown <= MEMORY, f"{told}; at most 250 ms and 50 MB were promised")
    return told


def _slowness() -> float:
    """How many times slower than the machine of the promise this one is just now, at least 1."""
    parser = expat.ParserCreate()
    seen: list[str] = []
    parser.StartElementHandler = lambda name, _attributes: seen.append(name)
    parser.EndElementHandler = seen.append
    before = time.process_time()
    parser.Parse(b"<r>" + b"<a>x</a>" * 50_000 + b"</r>", True)
    return max(1.0, (time.process_time() - before) / REFERENCE)


def _cost(place: Path, attack: Callable[[], Answer]) -> float:
    """CPU seconds that the hub spends on a message."""
    before = _seconds(place)
    with suppress(OSError):  # refused by cutting the line: what it has cost counts all the same
        attack()
    return _seconds(place) - before


def _seconds(place: Path) -> float:
    fields = (place / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _bytes(place: Path, name: str) -> int:
    (found,) = [each.split()[1] for each in (place / "status").read_text().splitlines() if each.startswith(name)]
    return int(found) * 1024


@SUITE.check("compression-bomb")
def bomb(target: Target) -> str:
    """A megabyte that unpacks to a gigabyte."""
    block = gzip.compress(b" " * (16 * MEGABYTE), 9)
    body = block * 64  # gzip members may follow one another (RFC 1952 2.2)
    return resisted(target, lambda: post(target, "session", body, headers={"Content-Encoding": "gzip"}))


@SUITE.check("oversize")
def oversize(target: Target) -> str:
    """Nine megabytes of white space."""
    body = message(GET_TIME).replace(b"<s:Body>", b" " * (9 * MEGABYTE) + b"<s:Body>")
    return resisted(target, lambda: post(target, "session", body))


@SUITE.check("slow-body")
def slow(target: Target) -> None:
    """Twenty callers that announce a body and send nothing do not keep others out."""
    streams = [stream(target) for _ in range(20)]
    try:
        for each in streams:
            over = each.__enter__()
            over.sendall(
                f"POST {target.path('session')} HTTP/1.1\r\nHost: {target.host}\r\n"
                f"Content-Type: {MEDIA[SOAP11]}\r\nContent-Length: 500\r\n\r\n<".encode()
            )
        expect(answers(target), "another call was not answered meanwhile")
    finally:
        for each in streams:
            each.__exit__(None, None, None)


@SUITE.check("smuggling")
def smuggling(target: Target) -> None:
    """Two framings of one body are never both believed (RFC 9112 6.1: request smuggling)."""
    body = envelope(GET_TIME)
    lines = (
        f"POST {target.path('session')} HTTP/1.1\r\nHost: {target.host}\r\nContent-Type: {MEDIA[SOAP11]}\r\n"
        f"Content-Length: {len(body)}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with stream(target) as over:
        over.sendall(lines.encode() + body)
        told = read_head(over)
        expect(not told or b" 400 " in told.split(b"\r\n")[0], "Content-Length beside Transfer-Encoding was accepted")


@SUITE.check("path-and-header-bytes")
def paths(target: Target) -> None:
    """Strange paths and headers give an answer that holds none of it."""
    for path in ("/../../etc/passwd", "/%00", "/" + "a" * 8000, "/%2e%2e/%2e%2e/x", "//x//y"):
        answer = exchange(target, "POST", path, {"Content-Type": MEDIA[SOAP11], "X-A": "b" * 4000}, envelope(GET_TIME))
        expect(400 <= answer.status < 500, f"status {answer.status}")
        expect(b"Traceback" not in answer.body and b"root:" not in answer.body, "the answer says too much")
    expect(answers(target), "no call is answered afterwards")
