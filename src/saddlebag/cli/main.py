"""The command `saddlebag`: parses the line, runs one command, turns a typed error into one clear message.

Belongs here: the list of commands. Each command is a module with `register(subparsers)`; only the one that is called is
imported, so that `saddlebag --help` stays quick. May not know: what the commands do.

Exit status: 0 done; 1 the command found something wrong (`doctor`, `contract check`); 2 it could not be done, and
why is on standard error; 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from saddlebag import __version__
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.server import config
from saddlebag.store import open_store
from saddlebag.store.base import Store

_COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("saddlebag.cli.setup", "make a hub in a folder: settings, certificates, database, laptop client"),
    "serve": ("saddlebag.cli.serve", "run the hub"),
    "demo": ("saddlebag.cli.demo.command", "make a tenant with data, start a hub and play a rep's day"),
    "doctor": ("saddlebag.cli.doctor", "say what is wrong with a hub and how to mend it"),
    "migrate": ("saddlebag.cli.setup", "bring the database and the laptop client to this version"),
    "tenant": ("saddlebag.cli.tenants", "add and list tenants"),
    "user": ("saddlebag.cli.users", "add and change users and service accounts"),
    "scope": ("saddlebag.cli.scope", "show, check and set the rules that decide what devices carry"),
    "device": ("saddlebag.cli.devices", "list, disable, enable and remove laptops"),
    "adapter": ("saddlebag.cli.adapter", "bring records over from outside systems"),
    "contract": ("saddlebag.cli.contract", "build and check the published WSDL and XSD files"),
    "client": ("saddlebag.cli.client", "build the laptop client"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser(words).parse_args(words)
    try:
        return int(arguments.run(arguments) or 0)
    except SaddlebagError as error:
        sys.stderr.write(f"saddlebag: {error.message} {error.kind.cure} ({error.kind.code})\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe has gone (`saddlebag tenant list | head -1`): nothing is left to tell anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="saddlebag", description="SOAP/XML integration hub for CRM.")
    parser.add_argument("--version", action="version", version=f"saddlebag {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    called = next((word for word in words if not word.startswith("-")), "")
    loaded: set[str] = set()
    for name, (module, summary) in _COMMANDS.items():
        if name == called or (called in _COMMANDS and module == _COMMANDS[called][0]):
            if module not in loaded:
                importlib.import_module(module).register(commands)
            loaded.add(module)
        else:
            commands.add_parser(name, help=summary)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """Give a command the option that names the settings file."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("SADDLEBAG_CONFIG", config.FILE_NAME)),
        help=f"settings file (default: $SADDLEBAG_CONFIG or ./{config.FILE_NAME})",
    )


def settings_of(arguments: argparse.Namespace) -> config.Settings:
    """The settings that a command was given; raises SETTING_INVALID."""
    return config.load(arguments.config, os.environ)


def new_secret() -> str:
    """A new secret of 256 random bits; the server's own come from its composition root, which is slow to import."""
    return secrets.token_urlsafe(32)


@contextmanager
def store_of(arguments: argparse.Namespace) -> Iterator[Store]:
    """The store that a command's settings name, closed after it; raises SETTING_INVALID."""
    store = open_store(settings_of(arguments).database)
    try:
        yield store
    finally:
        store.close()
