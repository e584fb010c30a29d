"""`saddlebag client build`: pack the laptop client into its one file.

Belongs here: the command line of the packer. May not know: what is packed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from saddlebag.cli.client_build import build_pyz


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command and its verb."""
    parser = commands.add_parser("client", help="build the laptop client")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    build = verbs.add_parser("build", help="make saddlebag.pyz; put it where [client] client_file points")
    build.add_argument("target", type=Path, nargs="?", default=Path("saddlebag.pyz"))
    build.set_defaults(run=_build)


def _build(arguments: argparse.Namespace) -> int:
    made = build_pyz(arguments.target)
    sys.stdout.write(f"{arguments.target}: version {made.version}, {made.size} bytes, SHA-256 {made.sha256}\n")
    return 0
