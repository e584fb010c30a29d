"""`saddlebag doctor`: looks at everything a hub needs and says what is wrong and how to mend it.

Belongs here: checks, each a function from settings to findings. May not know: how the hub uses what is checked.
A check never changes anything; one that cannot be made is a finding, not a crash.
"""

from __future__ import annotations

import argparse
import socket
import ssl
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from saddlebag.cli.main import add_config, settings_of
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.model.builtin import BUILTIN
from saddlebag.server import keyfile, pki, plugins
from saddlebag.server.config import Settings
from saddlebag.server.signing import signer_of
from saddlebag.store import open_store

_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, and what is wrong with it: `cure` is "" when nothing is."""

    what: str
    cure: str = ""


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="say what is wrong with a hub and how to mend it")
    parser.set_defaults(run=_doctor)
    add_config(parser)


def examine(settings: Settings) -> Iterator[Finding]:
    """Every finding about a hub of these settings, good and bad."""
    for check in _CHECKS:
        yield from check(settings)


def _address(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.public_url)
    if parts.scheme != "https" or not parts.hostname or parts.path:
        yield Finding("public address", "Set [hub] public_url to https://HOST or https://HOST:PORT, without a path.")
    else:
        yield Finding(f"public address {settings.public_url}")


def _certificate(settings: Settings) -> Iterator[Finding]:
    try:
        pem = settings.certificate.read_bytes()
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.certificate, settings.key)
        leaf = x509.load_pem_x509_certificate(pem)
    except (OSError, ValueError, ssl.SSLError):
        yield Finding(
            "TLS certificate", "Certificate and key cannot be read or do not match: see [tls] in the settings."
        )
        return
    left = pki.expires_at(pem) - datetime.now(UTC)
    if left < _SOON:
        yield Finding("TLS certificate", f"It ends in {left.days} days: make or order a new one and restart the hub.")
    host = urlsplit(settings.public_url).hostname or ""
    if not _covers(leaf, host):
        yield Finding("TLS certificate", f"It is not for {host}: callers will refuse it. Make one for that name.")
    yield Finding(f"TLS certificate, valid for {left.days} days")


def _covers(leaf: x509.Certificate, host: str) -> bool:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    dns = names.get_values_for_type(x509.DNSName)
    wildcard = "*." + host.partition(".")[2]
    return host in dns or wildcard in dns or host in map(str, names.get_values_for_type(x509.IPAddress))


def _secrets(settings: Settings) -> Iterator[Finding]:
    for path in (settings.key,):
        if path.exists() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Finding("private key", f"Others can read it: chmod 600 {path.name}")
        else:
            yield Finding("private key is the owner's only")


def _master_keys(settings: Settings) -> Iterator[Finding]:
    path = settings.master_keys
    if path is None:
        yield Finding("laptops cannot encrypt their files: there are no master keys")
        return
    try:
        keyfile.load(path)
    except SaddlebagError as problem:
        cure = "put the file back from a backup; where there never was one, `saddlebag migrate` makes it"
        yield Finding("master keys", f"{problem.message} {path.name}: {cure}.")
        return
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("master keys", f"Others can read them: chmod 600 {path.name}")
    else:
        yield Finding("master keys are the owner's only")


def _signing(settings: Settings) -> Iterator[Finding]:
    try:
        ends = signer_of(settings).expires_at
    except SaddlebagError as problem:
        yield Finding("key that signs answers", f"{problem.message} Correct [security] signing_key.")
        return
    if ends < datetime.now(UTC) + _SOON:
        yield Finding("certificate of signed answers", f"It ends on {ends:%Y-%m-%d}: make another and tell partners.")
    else:
        yield Finding("answers can be signed")


def _client_authority(settings: Settings) -> Iterator[Finding]:
    path = settings.client_authority
    if path is None:
        yield Finding("client certificates are not asked for")
    elif not _readable(path):
        yield Finding("client authority", "The PEM file in [tls] client_authority cannot be read.")
    else:
        yield Finding("client certificates are accepted from the configured authority")


def _readable(path: Path) -> bool:
    try:
        return b"BEGIN CERTIFICATE" in path.read_bytes()
    except OSError:
        return False


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        store = open_store(settings.database)
    except SaddlebagError as problem:
        yield Finding("database", f"{problem.message} {problem.kind.cure}")
        return
    try:
        store.check()
        tenants = store.tenants()
    except SaddlebagError as problem:
        yield Finding("database", f"{problem.message} {problem.kind.cure}")
        return
    finally:
        store.close()
    yield Finding("database answers and has this version's schema")
    if not tenants:
        yield Finding("tenants", "There is none yet: saddlebag tenant add NAME")
    else:
        yield Finding(f"{len(tenants)} tenant(s)")


def _plugins(_settings: Settings) -> Iterator[Finding]:
    try:
        names = ", ".join(plugins.services(BUILTIN))
    except (ImportError, AttributeError, ValueError) as problem:
        yield Finding("services", f"An installed service cannot be loaded ({type(problem).__name__}): reinstall it.")
        return
    yield Finding(f"services: {names}") if names else Finding("services", "None is installed: install saddlebag anew.")


def _client_file(settings: Settings) -> Iterator[Finding]:
    if settings.client_file is None:
        yield Finding("no laptop client is offered")
    elif not settings.client_file.exists():
        yield Finding("laptop client", "The file is missing: saddlebag client build, and put it beside the settings.")
    else:
        yield Finding("laptop client is offered for download")


def _port(settings: Settings) -> Iterator[Finding]:
    if settings.port == 0:
        yield Finding("a free port is taken at each start")
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.listen, settings.port))
        except OSError:
            yield Finding(f"port {settings.port} is in use (by the hub, if it runs)")
        else:
            yield Finding(f"port {settings.port} is free")


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _address,
    _certificate,
    _secrets,
    _master_keys,
    _signing,
    _client_authority,
    _database,
    _plugins,
    _client_file,
    _port,
)


def _doctor(arguments: argparse.Namespace) -> int:
    findings = list(examine(settings_of(arguments)))
    for finding in findings:
        line = f"WRONG {finding.what}: {finding.cure}" if finding.cure else f"ok    {finding.what}"
        sys.stdout.write(line + "\n")
    return 1 if any(finding.cure for finding in findings) else 0
