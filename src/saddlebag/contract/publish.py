"""The published contract: written from the declarations, checked in, and held to what was released.

Belongs here: files under wsdl/v1, schemas/v1 and the generated pages of docs. May not know: which services there are;
they are given, since services are known by entry point only.

    build    writes the documents
    check    drift (a file is not what the declarations give), judges (xmlschema on every XSD, the WSDL 1.1 and SOAP
             binding schemas on every WSDL) and breaking changes against the release
    release  writes schemas/v1/released.json, what callers may depend on from then on; refused when it would break
             an earlier release
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import xmlschema

from saddlebag.contract import compat, documents, manual
from saddlebag.contract.namespaces import WSDL_SOAP11
from saddlebag.contract.spec import Service
from saddlebag.model.entities import Schema

RELEASED = "schemas/v1/released.json"
"""What callers may depend on, by path from the checkout's root."""

_GENERATED = ("schemas/v1/*.xsd", "wsdl/v1/*.wsdl")


def build(root: Path, services: Sequence[Service], schema: Schema) -> list[Path]:
    """Write every document under `root` and remove those of services that are gone; gives the paths that changed."""
    changed = []
    wanted = _wanted(services, schema)
    for name, content in wanted.items():
        path = root / name
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            changed.append(path)
    for path in _stale(root, wanted):
        path.unlink()
        changed.append(path)
    return changed


def check(root: Path, services: Sequence[Service], schema: Schema) -> list[str]:
    """A sentence for everything that is wrong with the published contract; empty when it is well."""
    wanted = _wanted(services, schema)
    problems = [f"{name} is not what the declarations give" for name in _drifted(root, wanted)]
    problems += [f"{path.relative_to(root)} belongs to no service" for path in _stale(root, wanted)]
    if not problems:
        problems += judge(root)
    return problems + broken(root, services, schema)


def release(root: Path, services: Sequence[Service], schema: Schema) -> list[str]:
    """Promise callers the present contract; when that breaks what was promised, says so and writes nothing."""
    problems = broken(root, services, schema)
    if not problems:
        promised = compat.manifest(documents.published(services, schema))
        (root / RELEASED).write_text(json.dumps(promised, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return problems


def broken(root: Path, services: Sequence[Service], schema: Schema) -> list[str]:
    """A sentence for each change that breaks a caller of the released contract; none before the first release."""
    path = root / RELEASED
    if not path.exists():
        return []
    released: compat.Manifest = json.loads(path.read_text(encoding="utf-8"))
    current = compat.manifest(documents.published(services, schema))
    return [f"breaks the released contract: {each}" for each in compat.breaks(released, current)]


def judge(root: Path) -> list[str]:
    """A sentence for each fault that XML Schema's and WSDL's own schemas find in the files under `root`."""
    problems = []
    for path in sorted((root / "schemas/v1").glob("*.xsd")):
        try:
            xmlschema.XMLSchema10(path, defuse="always", allow="sandbox", base_url=str(path.parent))
        except xmlschema.XMLSchemaException as problem:
            problems.append(f"{path.relative_to(root)}: {_first_line(problem)}")
    wsdls = sorted((root / "wsdl/v1").glob("*.wsdl"))
    if wsdls:
        language = wsdl_language()
        for path in wsdls:
            found = language.iter_errors(xmlschema.XMLResource(str(path), defuse="always", allow="local"))
            problems += [f"{path.relative_to(root)}: {_first_line(each)}" for each in found]
    return problems


def wsdl_language() -> xmlschema.XMLSchema10:
    """The schemas of WSDL 1.1 and of its SOAP 1.1 binding, as the xmlschema library carries them."""
    folder = files("xmlschema") / "schemas" / "WSDL"
    with as_file(folder) as where:
        locations = {WSDL_SOAP11: str(where / "wsdl-soap.xsd")}
        return xmlschema.XMLSchema10(str(where / "wsdl.xsd"), locations=locations, allow="local")


def _wanted(services: Sequence[Service], schema: Schema) -> dict[str, bytes]:
    return documents.published(services, schema) | manual.pages()


def _drifted(root: Path, wanted: dict[str, bytes]) -> Iterator[str]:
    for name, content in wanted.items():
        path = root / name
        if not path.exists() or path.read_bytes() != content:
            yield name


def _stale(root: Path, wanted: dict[str, bytes]) -> list[Path]:
    found = [path for pattern in _GENERATED for path in sorted(root.glob(pattern))]
    return [path for path in found if path.relative_to(root).as_posix() not in wanted]


def _first_line(problem: Any) -> str:
    reason = getattr(problem, "reason", None) or str(problem)
    return str(reason).strip().partition("\n")[0]
