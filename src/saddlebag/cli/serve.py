"""`saddlebag serve`: run the hub in the foreground until SIGTERM or SIGINT.

Belongs here: handing the settings to the composition root. May not know: anything else.
"""

from __future__ import annotations

import argparse
from typing import Any

from saddlebag.cli.main import add_config, settings_of


def register(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command."""
    parser = commands.add_parser("serve", help="run the hub")
    parser.set_defaults(run=_serve)
    add_config(parser)


def _serve(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    # Imported here: Twisted installs its reactor when it is imported.
    from saddlebag.server.root import serve

    serve(settings)
    return 0
