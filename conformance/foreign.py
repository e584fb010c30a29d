"""Clients that nobody here wrote call every operation of every service and meet the very judges that zeep meets.

Belongs here: how a client program plays a call, how its decoded answer comes to the judges. May not know: any client
program, what an operation promises.

A client program takes one call a line on standard input and gives one answer a line on standard output, both JSON:

    {"service", "operation", "headers": {NAME: BLOCK}, "request": MESSAGE}
    {"answer": MESSAGE} | {"fault": {"code", "detail": {...}}} | {"error": TEXT}

An answer is what the client's own decoder made of it. It is rebuilt into an element by the schema and read by zeep, so
that the judges see one kind of value: whatever the client lost, changed or invented on the way is lost, changed or
invented there too. How messages are written tells `translate`.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from lxml import etree

from conformance import translate
from conformance.bp import services
from conformance.interop_zeep import judge_of
from conformance.report import Check, Skip, Suite, expect
from conformance.wire import SOAP11, SOAP12, TYPES, Target
from conformance.zeep_client import NIL, Zeep, shared

Play = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Carries out one call and gives what came of it."""
Open = Callable[[Target, str], Play]
"""Takes the hub and "1.1" or "1.2"; raises Skip with the reason where the client cannot be had."""
Form = Callable[[etree._Element, translate.Kind], Any]

BRIEF = ("client-", "session/", "customer/")
"""Services that a brief run judges, every verb is among them; and whether the client can be had."""
_CODES = {"11": ("Client", "Server"), "12": ("Sender", "Receiver")}


class Fault(Exception):
    """A fault as a client read it: `code` without prefix, `detail` by name."""

    def __init__(self, code: str, detail: Mapping[str, Any]) -> None:
        super().__init__(f"{code}: {detail.get('code')} {detail.get('message')} {detail.get('cause')}")
        self.code = code
        self.detail = detail


class Foreign(Zeep):
    """The calls of the judges, made by another client."""

    def __init__(self, target: Target, version: str, play: Play, form: Form, nil: bool) -> None:
        super().__init__(target, version)
        self._play = play
        self._form = form
        self._nil = nil
        self._clients = shared(target, version)._clients  # the WSDLs are read once

    def call(self, service: str, operation: str, /, *, headers: Mapping[str, Any] | None = None, **members: Any) -> Any:
        """Let the client call; its answer as zeep decodes it."""
        if headers is None:
            headers = {"Session": {"token": self.target.token()}}
        if not self._nil:
            members = {name: _cleared(each) for name, each in members.items()}
        client, bound = self.client(service), self._bound(service)
        envelope = client.create_message(bound, operation, _soapheaders=headers, **members)
        ns = etree.QName(envelope).namespace
        (message,) = envelope.find(f"{{{ns}}}Body")
        request = self._form(message, client.get_element(message.tag).type)
        blocks = [each for each in envelope.iterfind(f"{{{ns}}}Header/*") if each.tag.startswith(f"{{{TYPES}}}")]
        block = translate.as_text if self._form is translate.as_text else translate.as_object
        told = {
            "service": service,
            "operation": operation,
            "namespace": etree.QName(message).namespace,
            "headers": {etree.QName(each).localname: block(each, client.get_element(each.tag).type) for each in blocks},
            "request": request,
        }
        return self._read(service, operation, etree.QName(message).namespace, self._play(told))

    def fault(self, service: str, operation: str, /, **members: Any) -> dict[str, str]:
        """The members of the typed fault that a call ends in, as the client decoded them."""
        try:
            self.call(service, operation, **members)
        except Fault as problem:
            code = problem.code.rpartition(":")[2]
            expect(code in _CODES[self.version], f"fault code {problem.code}")
            kind = self.client(service).get_element(f"{{{TYPES}}}SaddlebagFault")
            found = {name: problem.detail.get(name) for name, _ in kind.type.elements}
            return {name: None if value is None else str(value) for name, value in found.items()}  # type: ignore[misc]
        raise AssertionError(f"{operation} ended without a fault")

    def _read(self, service: str, operation: str, namespace: str, told: Mapping[str, Any]) -> Any:
        expect("error" not in told, f"the client said: {str(told.get('error'))[:600]}")
        client, bound = self.client(service), self._bound(service)
        if "fault" in told:
            detail, kind = told["fault"].get("detail") or {}, client.get_element(f"{{{TYPES}}}SaddlebagFault").type
            if isinstance(detail, str):
                detail = translate.as_object(etree.fromstring(detail.encode()), kind)
            if told.get("bytes"):
                detail = translate.decoded_bytes(detail, kind)
            raise Fault(str(told["fault"]["code"]), detail)
        described = bound._binding.get(operation)
        if described.output is None:
            expect(not told.get("answer"), f"a one-way call was answered: {told.get('answer')!r:.200}")
            return None
        name, ns = f"{{{namespace}}}{operation}Response", SOAP11 if self.version == "11" else SOAP12
        kind, answer = client.get_element(name).type, told.get("answer")
        if "xml" in told:
            message = etree.fromstring(told["xml"].encode())
        else:
            if told.get("bytes"):
                answer = translate.decoded_bytes(answer, kind)
            message = translate.element(name, answer, kind)
        envelope = etree.Element(f"{{{ns}}}Envelope")
        etree.SubElement(envelope, f"{{{ns}}}Body").append(message)
        return described.process_reply(envelope)


def _cleared(value: Any) -> Any:
    """The same members for a client that keeps to the schema, where nothing is nillable: a field is cleared by name."""
    if isinstance(value, list):
        return [_cleared(each) for each in value]
    if isinstance(value, Mapping) and any(each is NIL for each in value.values()):
        names = [name for name, each in value.items() if each is NIL]
        kept = {name: each for name, each in value.items() if each is not NIL}
        return {**kept, "clear": [*kept.get("clear", ()), *names]}
    return value


def declare(
    suite: Suite,
    open_client: Open,
    *,
    form: Form = translate.as_object,
    nil: bool = True,
    versions: tuple[str, ...] = ("1.1", "1.2"),
    cannot: Mapping[tuple[str, str], str] | None = None,
) -> None:
    """Declare one check for each operation that a WSDL lists, by each SOAP version that the client speaks.

    `nil` tells whether the client can send xsi:nil where the schema does not announce it; `cannot` gives the reason why
    it cannot call an operation at all.
    """
    opened: dict[tuple[str, str], Foreign] = {}

    def client(target: Target, version: str) -> Foreign:
        key = (target.url, version)
        if key not in opened:
            opened[key] = Foreign(target, version.replace(".", ""), open_client(target, version), form, nil)
        return opened[key]

    def one(target: Target, version: str, service: str, operation: str) -> None:
        reason = (cannot or {}).get((service, operation))
        if reason:
            raise Skip(reason)
        judge_of(service, operation)(client(target, version))

    @suite.generated
    def operations(target: Target) -> Iterator[Check]:
        for version in versions:
            try:
                client(target, version)
            except Skip as reason:
                yield Check(f"{suite.prefix}/client-soap{version}", partial(_skip, str(reason)))
                continue
            for service in services(target):
                for operation in shared(target, "11").operations(service):
                    suffix = "" if version == "1.1" else "-soap12"
                    run = partial(one, version=version, service=service, operation=operation)
                    yield Check(f"{suite.prefix}/{service}/{operation}{suffix}", run)


def _skip(reason: str, _target: Target) -> None:
    raise Skip(reason)


class Program:
    """A client program that runs while calls come; it ends when its standard input does, at the latest with us."""

    def __init__(self, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the program
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **(environment or {})},
        )

    def exchange(self, line: bytes) -> bytes:
        """One line there and one back. Raises AssertionError with the program's last words where none comes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = b""
        expect(answer, f"the client ended: {self._words()}")
        return answer.rstrip(b"\n")

    def __call__(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """Play one call, in JSON both ways."""
        line = self.exchange(json.dumps(told).encode())
        try:
            answer: Mapping[str, Any] = json.loads(line)
        except ValueError as problem:
            raise AssertionError(f"no JSON: {line[:300]!r}") from problem
        return answer

    def _words(self) -> str:
        self._said.seek(0)
        return self._said.read().decode(errors="replace").strip()[-600:]


def in_words(program: Program) -> Play:
    """A program for whose language JSON is no matter of course: words apart by a blank, each but the first in hex.

        SERVICE/OPERATION MESSAGE [NAME BLOCK]...    ->    answer MESSAGE | fault CODE DETAIL | error TEXT

    Messages, blocks and details are XML here, which the client's own generated code has to read into typed values and
    to write from them.
    """

    def play(told: Mapping[str, Any]) -> Mapping[str, Any]:
        words = [f"{told['service']}/{told['operation']}", _hex(told["request"])]
        for name, block in told["headers"].items():
            words += [name, _hex(block)]
        kind, *said = program.exchange(" ".join(words).encode()).decode().split(" ")
        texts = [bytes.fromhex(each).decode() for each in said]
        if kind == "fault":
            return {"fault": {"code": texts[0], "detail": texts[1]}}
        return {"xml" if kind == "answer" and texts[0] else kind: texts[0]}

    return play


def _hex(text: str) -> str:
    return text.encode().hex()


def base(target: Target) -> str:
    """What stands before SERVICE/v1 in an address."""
    return f"{target.url}/{target.tenant}"
