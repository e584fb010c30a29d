"""Settings: one table with a default, bounds and one sentence each; a TOML file and the environment fill it.

Belongs here: reading options, and nothing that uses them. This is the only place of the hub that reads a file of
options or the environment. May not know: Twisted, SOAP, the store.

Order: default, then the TOML file, then the environment (`SADDLEBAG_<SECTION>_<NAME>` in capitals). Paths in the
file are
relative to the file; a wrong setting raises SETTING_INVALID, which names it. docs/settings.md is generated from
this table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from saddlebag.kernel import limits
from saddlebag.kernel.errors import SETTING_INVALID, SaddlebagError

FILE_NAME = "saddlebag.toml"
ENVIRONMENT_PREFIX = "SADDLEBAG_"


def _setting(
    section: str,
    default: Any,
    doc: str,
    *,
    low: int | None = None,
    high: int | None = None,
    choices: tuple[object, ...] = (),
) -> Any:
    return field(
        default=default, metadata={"section": section, "doc": doc, "low": low, "high": high, "choices": choices}
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of a hub, resolved."""

    public_url: str = _setting(
        "hub", "https://localhost:8443", "Address that partners and devices use; it stands in every WSDL."
    )
    listen: str = _setting("hub", "127.0.0.1", "Network address to listen on; 0.0.0.0 for all.")
    port: int = _setting("hub", 8443, "TCP port to listen on; 0 takes a free one.", low=0, high=65535)
    database: str = _setting(
        "hub", "sqlite:///hub.sqlite", "SQLAlchemy URL of the database: SQLite (relative to this file) or PostgreSQL."
    )
    ready_file: Path | None = _setting("hub", None, "File that is written with the address once the hub accepts calls.")
    threads: int = _setting(
        "hub", 8, "Worker threads for calls; each may hold one database connection.", low=1, high=64
    )
    queue: int = _setting(
        "hub",
        128,
        "Calls that may wait for a thread; then the longest lane's newest is answered Busy. One caller may have a "
        "quarter of them waiting.",
        low=1,
        high=10_000,
    )
    workers: int = _setting(
        "hub",
        1,
        "Processes that serve, each with its own threads, queue and connections; more than one on POSIX systems only.",
        low=1,
        high=64,
    )
    drain_seconds: int = _setting("hub", 10, "Seconds that a stopping hub gives to calls under way.", low=0, high=600)
    certificate: Path = _setting(
        "tls", Path("tls/hub.pem"), "PEM file with the hub's certificate and the chain above it."
    )
    key: Path = _setting("tls", Path("tls/hub.key"), "PEM file with the certificate's private key.")
    client_authority: Path | None = _setting(
        "tls", None, "PEM file with the authorities that sign client certificates; without it none is asked for."
    )
    message_bytes: int = _setting(
        "limits",
        limits.MESSAGE_BYTES,
        "Bytes of one request body after decompression.",
        low=65_536,
        high=64 * 1024 * 1024,
    )
    header_seconds: int = _setting(
        "limits", 15, "Seconds that a caller has to send its request's head.", low=1, high=300
    )
    body_seconds: int = _setting(
        "limits",
        60,
        "Seconds that a caller has to send its request's body; `slowest_bytes` of it earn one more.",
        low=1,
        high=3600,
    )
    slowest_bytes: int = _setting(
        "limits", 1024, "Bytes a second below which a caller that sends a long body is cut off.", low=1, high=10_000_000
    )
    answer_seconds: int = _setting(
        "limits", 60, "Seconds that a caller has to read each 64 KiB of a long answer.", low=1, high=3600
    )
    idle_seconds: int = _setting("limits", 75, "Seconds that an idle connection is kept open.", low=1, high=3600)
    connections: int = _setting(
        "limits", 2_000, "Connections that one worker process has open at once.", low=1, high=100_000
    )
    address_connections: int = _setting(
        "limits",
        256,
        "Connections from one address to one worker process; 0 for no bound, as behind a load balancer.",
        low=0,
        high=100_000,
    )
    tenant_rate: int = _setting(
        "limits", 1_000, "Calls a second of one tenant in the long run; 0 for no bound.", low=0, high=1_000_000
    )
    tenant_burst: int = _setting(
        "limits", 20_000, "Calls of one tenant that may come at once before its rate counts.", low=1, high=10_000_000
    )
    tenant_rates: str = _setting(
        "limits", "", "Tenants with a rate of their own: `acme=500:5000 north=20:100`, as RATE:BURST."
    )
    user_rate: int = _setting(
        "limits", 200, "Calls a second of one user in the long run; 0 for no bound.", low=0, high=1_000_000
    )
    user_burst: int = _setting(
        "limits", 5_000, "Calls of one user that may come at once before the rate counts.", low=1, high=10_000_000
    )
    user_calls: int = _setting("limits", 4, "Calls of one user that are carried out at once.", low=1, high=64)
    address_rate: int = _setting(
        "limits",
        50,
        "Calls without a session (log-ins, refused sessions) a second from one address in the long run; 0 for no "
        "bound, as behind a load balancer.",
        low=0,
        high=1_000_000,
    )
    address_burst: int = _setting(
        "limits", 2_000, "Such calls that may come at once before the rate counts.", low=1, high=10_000_000
    )
    stranger_calls: int = _setting(
        "limits",
        4,
        "Log-ins that are carried out at once for one tenant; half as many from one address.",
        low=1,
        high=64,
    )
    sender_status: int = _setting(
        "soap",
        500,
        "HTTP status of a SOAP 1.2 Sender fault: 500 (Mono's WCF reads no other) or 400 (the letter).",
        choices=(400, 500),
    )
    reply_origins: str = _setting(
        "addressing",
        "",
        "Origins that answers may be sent to where a caller names them in ReplyTo or FaultTo, as "
        "https://partner.example:8443, parted by commas; without any, all answers go back the way the call came.",
    )
    reply_networks: str = _setting(
        "addressing",
        "",
        "Private networks in which such an origin may lie, as 10.1.0.0/16, parted by commas; any other is refused.",
    )
    reply_authority: Path | None = _setting(
        "addressing", None, "PEM file with the authorities of those origins; without it the system's are trusted."
    )
    session_seconds: int = _setting(
        "security", limits.SESSION_SECONDS, "Seconds that a session lasts from its log-in.", low=60, high=30 * 24 * 3600
    )
    master_keys: Path | None = _setting(
        "security",
        Path("master.keys"),
        "File with keys that seal wrapping keys and digest secrets in the database, readable to the hub's user only.",
    )
    signing_certificate: Path | None = _setting(
        "security", None, "PEM file with the certificate that answers are signed with; without it that of TLS is used."
    )
    signing_key: Path | None = _setting("security", None, "PEM file with the private key of `signing_certificate`.")
    log_level: str = _setting(
        "log", "info", "Least level that is logged.", choices=("debug", "info", "warning", "error")
    )
    log_file: Path | None = _setting("log", None, "File for the log; without it standard error is used.")
    client_file: Path | None = _setting(
        "client", Path("saddlebag.pyz"), "The laptop client that the hub offers for download."
    )


def environment_name(each: Field[Any]) -> str:
    """The environment variable that overrides a setting."""
    return f"{ENVIRONMENT_PREFIX}{each.metadata['section']}_{each.name}".upper()


def load(path: Path | None, environment: Mapping[str, str]) -> Settings:
    """Settings from the TOML file at `path` (None for none) and the environment; raises SETTING_INVALID."""
    base = path.parent if path else Path()
    table = _read(path) if path else {}
    values: dict[str, Any] = {}
    for each in fields(Settings):
        section = table.get(each.metadata["section"], {})
        raw = environment.get(environment_name(each), section.pop(each.name, MISSING))
        if raw is not MISSING:
            values[each.name] = _convert(each, raw)
    for section_name, rest in table.items():
        for name in rest:
            raise SaddlebagError(SETTING_INVALID, f"There is no setting {name} in [{section_name}].", field=name)
    return _resolve(replace(Settings(), **values), base)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SaddlebagError(SETTING_INVALID, "The settings file does not exist: run `saddlebag init`.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise SaddlebagError(
            SETTING_INVALID, f"The settings file cannot be read: {type(problem).__name__}."
        ) from problem
    sections = {each.metadata["section"] for each in fields(Settings)}
    for name, section in table.items():
        if name not in sections or not isinstance(section, dict):
            raise SaddlebagError(SETTING_INVALID, f"There is no settings section [{name}].", field=name)
    return table


def _convert(each: Field[Any], raw: object) -> Any:
    kind = str(each.type)
    try:
        value: Any
        if "Path" in kind:
            value = Path(str(raw)) if raw != "" else None
        elif kind == "int":
            value = int(str(raw))
        else:
            value = str(raw)
    except ValueError:
        raise _wrong(each, "a whole number") from None
    low, high, choices = (each.metadata[name] for name in ("low", "high", "choices"))
    if choices and value not in choices:
        raise _wrong(each, "one of " + ", ".join(map(str, choices)))
    if low is not None and not low <= value <= high:
        raise _wrong(each, f"from {low} to {high}")
    return value


def _wrong(each: Field[Any], expected: str) -> SaddlebagError:
    return SaddlebagError(
        SETTING_INVALID, f"[{each.metadata['section']}] {each.name} must be {expected}.", field=each.name
    )


def _resolve(settings: Settings, base: Path) -> Settings:
    """Make paths, and the path in an SQLite URL, absolute: the hub may run in any folder."""
    changes: dict[str, Any] = {
        each.name: (base / value).absolute()
        for each in fields(Settings)
        if isinstance(value := getattr(settings, each.name), Path)
    }
    scheme, _, rest = settings.database.partition(":///")
    if scheme.startswith("sqlite") and rest and rest != ":memory:":
        changes["database"] = f"{scheme}:///{(base / rest).absolute()}"
    return replace(settings, public_url=settings.public_url.rstrip("/"), **changes)


def document() -> str:
    """docs/settings.md, generated from the table."""
    lines = [
        "# Settings",
        "",
        "One TOML file, `saddlebag.toml`; the environment overrides it. Generated from `saddlebag.server.config`.",
        "",
    ]
    lines += ["| section | name | default | environment | meaning |", "| --- | --- | --- | --- | --- |"]
    for each in fields(Settings):
        meta = each.metadata
        bound = f" From {meta['low']} to {meta['high']}." if meta["low"] is not None else ""
        default = "" if each.default is None else f"`{each.default}`"
        lines.append(
            f"| {meta['section']} | {each.name} | {default} | `{environment_name(each)}` | {meta['doc']}{bound} |"
        )
    return "\n".join(lines) + "\n"
