"""The program: arguments in, a command run, words or JSON out.

Belongs here: the only place that reads arguments, environment, time and chance; exit codes. May not know: what a
command does. Commands are imported when they are called, so that a prompt does not wait for the network's modules.

    exit codes   0 done   1 refused or failed   2 wrong usage   3 no connection   4 not logged in, or not trusted
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from saddlebag import __version__
from saddlebag.kernel import errors
from saddlebag.kernel.errors import SaddlebagError
from saddlebag.kernel.ids import uuid7
from saddlebag_client.setting import Said, Setting, error_data

if TYPE_CHECKING:
    from saddlebag_client.transport import Transport

FILE_VARIABLE: Final = "SADDLEBAG_FILE"
_Command = Callable[[str, str, str], argparse.ArgumentParser]
_STRANGERS: Final = {
    each.code
    for each in (
        errors.NOT_LOGGED_IN,
        errors.UNTRUSTED_HUB,
        errors.INVALID_CREDENTIALS,
        errors.SESSION_EXPIRED,
        errors.UNKNOWN_DEVICE,
        errors.DEVICE_DISABLED,
        errors.LEASE_ENDED,
        errors.LEASE_REFUSED,
    )
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code."""
    given = _parser().parse_args(argv)
    setting = _setting(given)
    _forget_old(setting.program)
    said = _run(given, setting)
    _say(said, as_json=given.json)
    return said.code


def run(argv: Sequence[str], setting: Setting) -> Said:
    """Run one command line in a setting that is given."""
    return _run(_parser().parse_args(argv), setting)


def _run(given: argparse.Namespace, setting: Setting) -> Said:
    module, _, function = given.run.partition(":")
    try:
        said: Said = getattr(importlib.import_module(module), function)(setting, given)
    except SaddlebagError as error:
        return Said({"error": error_data(error)}, f"{error.message} {error.kind.cure}", _exit_code(error))
    except _database_errors() as error:
        if type(error) not in _database_errors():  # a kind of its own is no damage, but a mistake of this program
            raise
        damage = SaddlebagError(errors.FILE_DAMAGED)
        return Said({"error": error_data(damage)}, f"{damage.message} {damage.kind.cure}", _exit_code(damage))
    except KeyboardInterrupt:
        return Said({"error": {"name": "Interrupted"}}, "Interrupted. Nothing is lost.", 130)
    return said


def _database_errors() -> tuple[type[Exception], ...]:
    from saddlebag_client.local import database_errors

    return database_errors()


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--file", type=Path, default=argparse.SUPPRESS, help="the SQLite file to work with")
    common.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="answer in JSON, for scripts")
    parser = argparse.ArgumentParser(
        prog="saddlebag", description="Your customers and deals on this laptop, with or without a connection."
    )
    parser.add_argument("--version", action="version", version=f"saddlebag {__version__}")
    parser.add_argument("--file", type=Path, default=None, help="the SQLite file to work with")
    parser.add_argument("--json", action="store_true", default=False, help="answer in JSON, for scripts")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: str, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(run=f"saddlebag_client.{run}")
        return made

    _connected(command)
    _offline(command)
    return parser


def _connected(command: _Command) -> None:
    login = command("login", "sync_commands:login", "bind this laptop to a hub, a tenant and a user")
    login.add_argument("url", help="the hub's address, https://host:port")
    login.add_argument("--tenant", required=True)
    login.add_argument("--user", required=True)
    login.add_argument("--ca", type=Path, help="file with the authority that vouches for the hub's certificate")
    sync = command("sync", "sync_commands:sync", "send your changes and fetch what is new")
    shown = sync.add_mutually_exclusive_group()
    shown.add_argument(
        "--page-wise", action="store_true", help="from now on show each page as it comes: needs less room"
    )
    shown.add_argument("--at-once", action="store_true", help="from now on show all pages together, as at first")
    fetch = command("fetch", "attach:fetch", "write an attachment to a file")
    fetch.add_argument("attachment", help="id, beginning of the id, or name")
    fetch.add_argument("--to", type=Path, metavar="FILE", help="where to; its own name here where it is left out")
    resolve = command("resolve", "decide:resolve", "say which value is to stand where two met")
    resolve.add_argument("conflict", type=int, metavar="ID", help="as `conflicts` lists it")
    resolve.add_argument("take", nargs="+", metavar="mine|theirs|field=value", help="for all its fields, or for one")
    encrypt = command(
        "encrypt", "vault_commands:encrypt", "encrypt the file under a key that the hub may refuse to renew"
    )
    encrypt.add_argument(
        "--until-restart",
        action=argparse.BooleanOptionalAction,
        help="keep the key in memory only: after a restart the file has to be unlocked",
    )
    unlock = command("unlock", "vault_commands:unlock", "open an encrypted file again once its lease has ended")
    for each in (login, unlock):
        each.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    command("upgrade", "sync_commands:upgrade_client", "replace this program by the one that the hub offers")


def _offline(command: _Command) -> None:
    command("status", "status:status", "what is on this laptop and what waits to be sent")
    listing = command("list", "records:list_records", "list the records of a kind")
    listing.add_argument("entity")
    listing.add_argument("--filter", help="only those that hold this text")
    show = command("show", "records:show", "show one record")
    edit = command("edit", "records:edit", "change fields of a record")
    delete = command("delete", "records:delete", "delete a record")
    for each in (show, edit, delete):
        each.add_argument("entity")
        each.add_argument("record", help="id, beginning of the id, or name")
    new = command("new", "records:new", "make a record")
    new.add_argument("entity")
    for each in (edit, new):
        each.add_argument("fields", nargs="+", metavar="field=value", help="no value clears the field")
    new.add_argument(
        "--with",
        dest="parts",
        nargs="+",
        action="append",
        default=[],
        metavar=("ENTITY", "field=value"),
        help="a record that belongs to the new one, such as a line of a deal; all are taken over or none",
    )
    log = command("log", "records:log", "note a visit or a call")
    log.add_argument("kind", choices=("visit", "call"))
    log.add_argument("customer", help="id or name")
    log.add_argument("subject")
    log.add_argument("--body", help="what was said and seen")
    log.add_argument("--deal", help="id or name")
    attach = command("attach", "attach:attach", "attach a file to a record: a photo, a signed form")
    attach.add_argument("entity")
    attach.add_argument("record", help="id, beginning of the id, or name")
    attach.add_argument("path", type=Path, metavar="FILE")
    attach.add_argument("--name", help="what to call it instead of the file's name")
    attach.add_argument("--media-type", help="such as image/jpeg; told from the name where it is left out")
    attach.add_argument("--always", action="store_true", help="every laptop fetches it by itself")
    conflicts = command("conflicts", "parked:conflicts", "edits that were refused or lost against another's")
    which = conflicts.add_mutually_exclusive_group()
    which.add_argument("--discard", type=int, metavar="ID", help="put it away")
    which.add_argument("--retry", type=int, metavar="ID", help="try it again, changed by field=value")
    conflicts.add_argument("fields", nargs="*", metavar="field=value")


def _setting(given: argparse.Namespace) -> Setting:
    volatile = os.environ.get("XDG_RUNTIME_DIR")
    path = given.file or os.environ.get(FILE_VARIABLE) or Path.home() / ".saddlebag" / "saddlebag.sqlite"
    return Setting(
        path=Path(path),
        program=Path(sys.argv[0]).resolve(),
        volatile=Path(volatile) if volatile and Path(volatile).is_dir() else None,
        this=_this(),
        now=lambda: datetime.now(UTC),
        clock=time.monotonic,
        new_key=lambda: os.urandom(32),
        new_id=lambda: uuid7(datetime.now(UTC), os.urandom(10)),
        pause=time.sleep,
        connect=_connect,
        read_password=_from_stdin if getattr(given, "password_stdin", False) else _from_terminal,
        progress=_progress if sys.stderr.isatty() and not given.json else _quiet,
    )


def _this() -> tuple[str, str, str]:
    name = os.environ.get("COMPUTERNAME") or (os.uname().nodename if hasattr(os, "uname") else "")
    return (name or "laptop")[:80], sys.platform, __version__


def _connect(url: str, ca: str) -> Transport:
    import random

    from saddlebag_client.transport import Https, Patience

    return Https(url, ca, Patience(time.sleep, random.random))


def _from_stdin(prompt: str) -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _from_terminal(prompt: str) -> str:
    import getpass

    return getpass.getpass(prompt)


def _progress(text: str) -> None:
    print(f"\r\x1b[K{text}…", end="", file=sys.stderr, flush=True)


def _quiet(text: str) -> None:
    """Nobody is watching."""


def _forget_old(program: Path) -> None:
    """This program runs, so the one before it is no longer needed."""
    if program.suffix == ".pyz":
        program.with_suffix(".old").unlink(missing_ok=True)


def _exit_code(error: SaddlebagError) -> int:
    if error.kind is errors.NO_CONNECTION:
        return 3
    return 4 if error.kind.code in _STRANGERS else 1


def _say(said: Said, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(said.data, ensure_ascii=False, indent=1))
        return
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    print(said.text, file=sys.stderr if said.code else sys.stdout)
