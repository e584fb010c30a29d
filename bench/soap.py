"""`soap`: calls a second of one hub process over TLS with keep-alive, beside plain Spyne's WSGI application.

Belongs here: two requests, the same bytes for both servers (both validate them and look the session up), and what they
cost. May not know: how either answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.wire import MEDIA, SOAP11, Target, envelope, header

from bench import load, peer_spyne
from bench.figures import Report, cpu_seconds, median, percentile
from bench.load import Load, Order
from bench.prepared import TENANT, prepared, settle
from bench.workload import Sizes, Workload

ROUNDS = 3
"""Times that both servers are measured in turn; the figures are the medians."""
_RECORDS = 100
_MARKER = "createdAt>"  # stands twice in a record; each server has a prefix of its own


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two under measurement."""

    name: str
    port: int
    pid: int
    path: str


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """All figures of this harness."""
    with prepared(Sizes(customers=arguments.customers), arguments.cache) as ready:
        tables = peer_spyne.Tables(ready.folder / "peer.sqlite")
        tables.fill(Workload(ready.sizes).customers())
        hub = ready.hub
        admin = hub.user(TENANT, "admin", "admin")
        hub.start()
        target = Target(hub.url, hub.ca, TENANT, admin.user, admin.password)
        token = target.token()
        tables.finish(token)
        assert hub.process is not None
        tls = hub.folder / "tls"
        with peer_spyne.served(tables.path, tls / "hub.pem", tls / "hub.key") as (port, pid):
            settle()
            ours = Server("", hub.port, hub.process.pid, target.path("customer"))
            theirs = Server("plain Spyne", port, pid, "/")
            for call, (inner, count) in requests(ready.sizes.customers).items():
                body = envelope(inner, header("Session", token=token), service="customer").decode()
                _compare(report, call, (ours, theirs), str(hub.ca), body, count, arguments)


def requests(customers: int) -> Mapping[str, tuple[str, int]]:
    """The calls by name: what stands in Body, and how many records the answer holds."""
    one = f"<m:GetCustomers><m:id>C{customers // 2:07d}</m:id></m:GetCustomers>"
    term = "<t:field>country</t:field><t:op>eq</t:op><t:value>FR</t:value>"
    page = f"<m:SearchCustomers><m:filter>{term}</m:filter><m:limit>{_RECORDS}</m:limit></m:SearchCustomers>"
    return {"get": (one, 1), "search100": (page, _RECORDS)}


def _compare(
    report: Report,
    call: str,
    servers: tuple[Server, ...],
    ca: str,
    body: str,
    count: int,
    arguments: argparse.Namespace,
) -> None:
    calls = arguments.calls if count == 1 else max(arguments.calls // 5, arguments.connections)
    taken: dict[str, list[tuple[Load, float]]] = {each.name: [] for each in servers}
    for number in range(ROUNDS):
        for each in servers if number % 2 == 0 else reversed(servers):
            taken[each.name].append(_once(each, ca, body, count, calls, arguments.connections))
    for name, rounds in taken.items():
        all_ms = [value for each, _ in rounds for value in each.milliseconds]
        rate = median([len(each.milliseconds) / each.seconds for each, _ in rounds])
        report.add(f"soap.{call}.rate", rate, "calls/s", name)
        report.add(f"soap.{call}.p50", percentile(all_ms, 0.50), "ms", name)
        report.add(f"soap.{call}.p99", percentile(all_ms, 0.99), "ms", name)
        report.add(f"soap.{call}.server_cpu", median([cpu for _, cpu in rounds]), "ms/call", name)
        report.add(f"soap.{call}.answer", rounds[0][0].bytes, "bytes", name)


def _once(server: Server, ca: str, body: str, count: int, calls: int, connections: int) -> tuple[Load, float]:
    """One round on one server: the load, and the server's CPU milliseconds for a call."""
    sent = {"Content-Type": MEDIA[SOAP11], "SOAPAction": '""'}
    order = Order(
        server.port, ca, server.path, sent, body, _MARKER, 2 * count, connections, calls, max(calls // 10, 20)
    )
    used = cpu_seconds(server.pid)
    done = load.run(order)
    # The warm-up is counted too, in time and in calls.
    total = len(done.milliseconds) + order.warm_up // connections * connections
    return done, (cpu_seconds(server.pid) - used) * 1000 / total
