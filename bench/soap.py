"""`soap`: calls a second of the hub over TLS with keep-alive, beside other SOAP servers with one contract and data.

Belongs here: requests, the same bytes for all servers (all look the session up), and what they cost. May not know: how
any of them answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from contextlib import ExitStack

from conformance.wire import MEDIA, SOAP11, Target, envelope, exchange, header

from bench import load
from bench.exact import check
from bench.figures import Report, cpu_seconds_of, family, median, percentile
from bench.load import Load, Order
from bench.peers.base import Unavailable
from bench.peers.soap_servers import SERVERS, Contract, Server
from bench.prepared import TENANT, Prepared, prepared, settle
from bench.workload import Sizes

ROUNDS = 3
"""Times that all servers are measured in turn; the figures are the medians."""
_MARKER = "createdAt>"  # stands twice in a record; each server has a prefix of its own
_WORKERS = (1, 2)


def measure(report: Report, arguments: argparse.Namespace) -> None:
    """The hub with one worker beside the others, then with two."""
    for workers in _WORKERS:
        with (
            prepared(Sizes(customers=arguments.customers), arguments.cache, workers=workers) as ready,
            ExitStack() as stack,
        ):
            hub, token = _hub(ready, workers)
            servers = [hub]
            if workers == 1:
                servers += _others(report, ready, token, arguments, stack)
            settle()
            for call, (inner, count) in requests(ready.sizes.customers).items():
                body = envelope(inner, header("Session", token=token), service="customer").decode()
                _compare(report, call, servers, body, count, arguments)


def requests(customers: int) -> Mapping[str, tuple[str, int]]:
    """The calls by name: what stands in Body, and how many records the answer holds."""
    calls = {"get": (f"<m:GetCustomers><m:id>C{customers // 2:07d}</m:id></m:GetCustomers>", 1)}
    term = "<t:field>country</t:field><t:op>eq</t:op><t:value>FR</t:value>"
    for count in (100, 200):
        inner = f"<m:SearchCustomers><m:filter>{term}</m:filter><m:limit>{count}</m:limit></m:SearchCustomers>"
        calls[f"search{count}"] = (inner, count)
    return calls


def _hub(ready: Prepared, workers: int) -> tuple[Server, str]:
    hub = ready.hub
    admin = hub.user(TENANT, "admin", "admin")
    hub.start()
    assert hub.process is not None
    target = Target(hub.url, hub.ca, TENANT, admin.user, admin.password)
    name = "" if workers == 1 else f"{workers} workers"
    return Server(name, hub.port, hub.process.pid, target.path("customer"), str(hub.ca)), target.token()


def _others(
    report: Report, ready: Prepared, token: str, arguments: argparse.Namespace, stack: ExitStack
) -> list[Server]:
    target = Target(ready.hub.url, ready.hub.ca, TENANT, "", "")
    wsdl = exchange(target, "GET", target.path("customer") + "?singleWsdl&soap=1.1").body
    check(b"CustomerService" in wsdl, "the hub gave no WSDL")
    contract = Contract(ready.sizes, ready.folder, ready.hub.folder / "tls", wsdl, token)
    found = []
    for served in SERVERS:
        try:
            found.append(stack.enter_context(served(contract, arguments.cache)))
        except Unavailable as problem:
            report.skip(f"soap, {served.__name__}", str(problem))
    return found


def _compare(
    report: Report, call: str, servers: list[Server], body: str, count: int, arguments: argparse.Namespace
) -> None:
    calls = arguments.calls if count == 1 else max(arguments.calls // 5, arguments.connections)
    taken: dict[str, list[tuple[Load, float]]] = {each.name: [] for each in servers}
    for number in range(ROUNDS):
        for each in servers if number % 2 == 0 else reversed(servers):
            taken[each.name].append(_once(each, body, count, calls, arguments.connections))
    for name, rounds in taken.items():
        all_ms = [value for each, _ in rounds for value in each.milliseconds]
        rate = median([len(each.milliseconds) / each.seconds for each, _ in rounds])
        report.add(f"soap.{call}.rate", rate, "calls/s", name)
        report.add(f"soap.{call}.p50", percentile(all_ms, 0.50), "ms", name)
        report.add(f"soap.{call}.p99", percentile(all_ms, 0.99), "ms", name)
        report.add(f"soap.{call}.server_cpu", median([cpu for _, cpu in rounds]), "ms/call", name)
        report.add(f"soap.{call}.answer", rounds[0][0].bytes, "bytes", name)


def _once(server: Server, body: str, count: int, calls: int, connections: int) -> tuple[Load, float]:
    """One round on one server: the load, and the server's CPU milliseconds for a call."""
    sent = {"Content-Type": MEDIA[SOAP11], "SOAPAction": '""'}
    warm_up = max(calls // 10, 20)
    order = Order(server.port, server.ca, server.path, sent, body, _MARKER, 2 * count, connections, calls, warm_up)
    pids = family(server.pid)
    used = cpu_seconds_of(pids)
    done = load.run(order)
    # The warm-up is counted too, in time and in calls.
    total = len(done.milliseconds) + order.warm_up // connections * connections
    return done, (cpu_seconds_of(pids) - used) * 1000 / total
