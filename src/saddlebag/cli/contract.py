"""`saddlebag contract`: build and check the published WSDL, XSD and manual pages of this checkout.

Belongs here: wiring the installed services to the publisher. May not know: what a contract looks like.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from saddlebag.contract import publish
from saddlebag.model.builtin import BUILTIN
from saddlebag.server import config, plugins


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verbs."""
    parser = commands.add_parser("contract", help="build and check the published WSDL and XSD files")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for name, summary, run in (
        ("build", "write wsdl/, schemas/ and the generated manual pages", _build),
        ("check", "fail on drift, and on a change that breaks a released contract", _check),
        ("release", "from now on, refuse changes that break the present contract", _release),
    ):
        verb = verbs.add_parser(name, help=summary)
        verb.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout (default: the present folder)")
        verb.set_defaults(run=run)


def _build(arguments: argparse.Namespace) -> int:
    for path in publish.build(arguments.root, list(plugins.services(BUILTIN).values()), BUILTIN):
        sys.stdout.write(f"{path}\n")
    settings = arguments.root / "docs" / "settings.md"
    settings.write_text(config.document(), encoding="utf-8")
    return 0


def _check(arguments: argparse.Namespace) -> int:
    problems = list(publish.check(arguments.root, list(plugins.services(BUILTIN).values()), BUILTIN))
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if not problems:
        sys.stdout.write("the published contracts are those of this source, and none breaks a released one\n")
    return 1 if problems else 0


def _release(arguments: argparse.Namespace) -> int:
    problems = publish.release(arguments.root, list(plugins.services(BUILTIN).values()), BUILTIN)
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if not problems:
        sys.stdout.write("the present contract is promised to callers from now on\n")
    return 1 if problems else 0
