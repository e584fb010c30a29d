"""A hub of our own to judge: made with the command `saddlebag` in a folder that goes away, started and stopped.

Belongs here: commands of an operator, run as processes from PATH. May not know: the hub's code.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from conformance import certificates
from conformance.inbox import Inbox, inbox
from conformance.wire import Proofs, Target, Tenant, answers, exchange

START_SECONDS = 120
"""How long a hub may take to answer its first call: a guard against hanging."""


@dataclass
class Hub:
    """A hub in a folder; `process` is set while it serves."""

    folder: Path
    port: int
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def ca(self) -> Path:
        """The authority that signed the hub's certificate."""
        return self.folder / "tls" / "authority.pem"

    @property
    def url(self) -> str:
        """The address of the hub."""
        return f"https://localhost:{self.port}"

    @property
    def log(self) -> Path:
        """What the hub writes."""
        return self.folder / "hub.log"

    def command(self, *words: str, password: str = "") -> str:
        """Run one command on the hub's folder; its output. Raises RuntimeError with what it said."""
        return run(
            *words,
            "--config",
            str(self.folder / "saddlebag.toml"),
            environment=self.environment,
            stdin=f"{password}\n" if password else "",
        )

    def tenant(self, name: str) -> None:
        """Add a tenant."""
        self.command("tenant", "add", name)

    def user(self, tenant: str, login: str, role: str) -> Tenant:
        """Add a user, or give one that exists a password; who she is."""
        password = secrets.token_urlsafe(12)
        self.command("user", "add", tenant, login, "--role", role, "--password-stdin", password=password)
        return Tenant(tenant, login, password)

    def start(self) -> None:
        """Serve, and wait for the first answer."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [_program(), "serve", "--config", str(self.folder / "saddlebag.toml")],
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
            )
        target = Target(self.url, self.ca, "none", "", "")
        end = time.monotonic() + START_SECONDS
        while not _serves(target):
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"the hub did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the hub as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


def run(*words: str, environment: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Run the command `saddlebag`; its output. Raises RuntimeError with what it said."""
    done = subprocess.run(
        [_program(), *words], input=stdin, capture_output=True, text=True, env={**os.environ, **(environment or {})}
    )
    if done.returncode:
        raise RuntimeError(f"saddlebag {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _program() -> str:
    found = shutil.which("saddlebag") or str(Path(sys.executable).with_name("saddlebag"))
    if not Path(found).exists():
        raise RuntimeError("the command saddlebag is not on PATH; `make conformance` sets it")
    return found


def _serves(target: Target) -> bool:
    try:
        return exchange(target, "GET", "/healthz").status == 200
    except OSError:
        return False


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def new_hub(database: str = "", environment: Mapping[str, str] | None = None) -> Iterator[Hub]:
    """A hub in a temporary folder, not yet started; stopped and removed at the end."""
    with tempfile.TemporaryDirectory(prefix="saddlebag-hub-") as name:
        hub = Hub(Path(name) / "hub", free_port(), environment or {})
        more = ("--database", database) if database else ()
        run("init", str(hub.folder), "--port", str(hub.port), *more, environment=hub.environment)
        try:
            yield hub
        finally:
            hub.stop()


def _certificates(hub: Hub) -> dict[str, tuple[Path, Path]]:
    authority = hub.ca, hub.ca.with_suffix(".key")
    folder, forgery = hub.folder, hub.folder / "forged"
    forgery.mkdir()
    made = {name: certificates.make(folder, name, authority) for name in ("partner", "stranger")}
    hub.command("user", "add", "north", "partner", "--role", "integration", "--certificate", str(made["partner"][0]))
    return {**made, "forged": certificates.make(forgery, "partner", None)}


def _proofs(hub: Hub) -> Proofs:
    """A service account that proves itself by its messages, and a tenant that takes nothing else."""
    folder = hub.folder / "signers"
    folder.mkdir()
    made = {name: certificates.make(folder, name, None, bits) for name, bits in _SIGNERS.items()}
    signer = hub.user("north", "signer", "integration")
    for name in ("rsa", "elliptic"):
        hub.command("user", "signing-certificate", "north", "signer", "--add", str(made[name][0]))
    secret = hub.command("user", "wss-secret", "north", "signer").strip()
    hub.tenant("strict")
    strict = hub.user("strict", "admin", "admin")
    hub.command("user", "signing-certificate", "strict", "admin", "--add", str(made["rsa"][0]))
    hub.command("tenant", "security", "strict", "--accept", "signature")
    return Proofs(Tenant(signer.name, signer.user, secret), strict, **made, hub=hub.folder / "tls" / "hub.pem")


_SIGNERS = {"rsa": 2048, "elliptic": 0, "unknown": 2048}
"""Signing keys by name: bits of RSA, 0 for P-256."""


_LIMITS = {
    "SADDLEBAG_LIMITS_TENANT_RATES": "west=1:5",
    "SADDLEBAG_LIMITS_HEADER_SECONDS": "10",
    "SADDLEBAG_LIMITS_BODY_SECONDS": "15",
}
"""A tenant with a small rate, and little patience with slow callers."""


def _allowing(replies: Inbox) -> dict[str, str]:
    """Settings of a hub that may send answers to the inbox."""
    return {
        "SADDLEBAG_ADDRESSING_REPLY_ORIGINS": replies.origin,
        "SADDLEBAG_ADDRESSING_REPLY_NETWORKS": "127.0.0.0/8,::1/128",
    }


@contextmanager
def judged_hub(database: str = "") -> Iterator[Target]:
    """A hub with two tenants, an administrator in each and a rep in the first, ready to be judged."""
    with inbox() as replies, new_hub(database, {**_allowing(replies), **_LIMITS}) as hub:
        run("client", "build", str(hub.folder / "saddlebag.pyz"))
        for name in ("north", "south"):
            hub.tenant(name)
        admin, stranger = hub.user("north", "admin", "admin"), hub.user("south", "admin", "admin")
        rep = hub.user("north", "rep", "rep")
        made, proofs = _certificates(hub), _proofs(hub)
        hub.tenant("west")
        limited = hub.user("west", "admin", "admin")
        hub.start()
        target = Target(
            hub.url, hub.ca, admin.name, admin.user, admin.password, stranger, rep, made, proofs, replies,
            hub.process.pid if hub.process else None, limited,
        )  # fmt: skip
        if not answers(target):
            raise RuntimeError("the hub does not answer GetServerTime")
        yield target
