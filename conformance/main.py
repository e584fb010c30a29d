"""The command `conformance/run`: which hub, which checks, which report.

Belongs here: the command line. May not know: any check.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conformance import (
    attacks_layers,
    bad_input,
    bp_messages,
    bp_probes,
    bp_wsdl,
    http_checks,
    interop_gsoap,
    interop_java,
    interop_mono,
    interop_node,
    interop_perl,
    interop_php,
    interop_ruby,
    interop_suds,
    interop_zeep,
    mtom_checks,
    share_checks,
    soap12_checks,
    tls_checks,
    wsa_checks,
    wss_checks,
)
from conformance.hub import judged_hub
from conformance.report import Suite, run_all
from conformance.wire import Target

SUITES: tuple[Suite, ...] = (
    tls_checks.SUITE,
    http_checks.SUITE,
    share_checks.SUITE,
    soap12_checks.SOAP11_SUITE,
    soap12_checks.SOAP12_SUITE,
    wsa_checks.SUITE,
    mtom_checks.SUITE,
    wss_checks.SUITE,
    bp_wsdl.SUITE,
    bp_probes.SUITE,
    bad_input.SUITE,
    interop_zeep.SUITE,
    bp_messages.SUITE,
    interop_suds.SUITE,
    interop_php.SUITE,
    interop_ruby.SUITE,
    interop_gsoap.SUITE,
    interop_java.SUITE,
    interop_mono.SUITE,
    interop_node.SUITE,
    interop_perl.SUITE,
    attacks_layers.SUITE,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge a hub; 0 when no check failed, 1 when one did, 2 when there was nothing to judge."""
    arguments = _parser().parse_args(argv)
    with _target(arguments) as target:
        results = run_all(SUITES, target, arguments.only, arguments.brief)
    if arguments.json:
        text = json.dumps([each.as_dict() for each in results], indent=1)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    counts = Counter(each.status for each in results)
    sys.stdout.write(f"{counts['pass']} passed, {counts['fail']} failed, {counts['skip']} skipped\n")
    if not results:
        sys.stderr.write(f"no check begins with {arguments.only}\n")
        return 2
    return 1 if counts["fail"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="conformance/run", description="Judge a hub from outside.")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only checks whose id begins so, as interop/php")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument(
        "--brief", action="store_true", default=None, help="foreign clients that need no compiler, two services each"
    )
    parts.add_argument("--rest", action="store_false", dest="brief", default=None, help="what a brief run leaves out")
    parser.add_argument("--url", help="a hub that runs already; without it one is made, started and stopped")
    parser.add_argument("--ca", type=Path, help="the authority of its certificate")
    parser.add_argument("--tenant", help="a tenant of it")
    parser.add_argument("--user", help="a user who may do everything there")
    parser.add_argument("--password", help="her password")
    parser.add_argument("--database", default="", help="SQLAlchemy URL for the hub that is made (default: SQLite)")
    parser.add_argument("--json", type=Path, metavar="FILE", help='write a list of {"id", "status", "reason"}')
    return parser


@contextmanager
def _target(arguments: argparse.Namespace) -> Iterator[Target]:
    if not arguments.url:
        with judged_hub(arguments.database) as target:
            yield target
        return
    if not (arguments.tenant and arguments.user and arguments.password):
        raise SystemExit("conformance/run: --url needs --tenant, --user and --password")
    yield Target(arguments.url.rstrip("/"), arguments.ca, arguments.tenant, arguments.user, arguments.password)
