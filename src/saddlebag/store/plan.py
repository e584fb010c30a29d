"""Query plans: what the database would do for a condition, and whether it would read a whole tenant for it.

Belongs here: asking for plans and reading them. May not know: who asked, or which plan is good for what.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection, event

from saddlebag.model.condition import Condition
from saddlebag.store.sql import SqlStore

_WHOLE = (
    re.compile(r"SCAN e_"),
    re.compile(r"SEARCH e_.*\(tenant=\?\)$"),
    re.compile(r"Seq Scan on e_"),
    re.compile(r"Index Cond: \(tenant = [^()]*\)$"),
)


def explain(store: SqlStore, tenant: str, entity: str, condition: Condition) -> list[str]:
    """The plan of `stamps` for the condition, a line for each step.

    PostgreSQL is asked what it would do if reading a table from end to end, or hashing it, cost more than any index:
    with the few rows of a test it otherwise rightly prefers to.
    """
    sent: list[tuple[str, Any]] = []
    with store.begin(tenant, read_only=True) as transaction:
        connection = transaction.connection

        def note(_connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            sent.append((statement, parameters))

        native = store.dialect == "postgresql"
        if native:
            for means in ("seqscan", "hashjoin", "mergejoin"):
                connection.exec_driver_sql(f"SET LOCAL enable_{means} = off")
        event.listen(connection, "before_cursor_execute", note)
        transaction.stamps(entity, condition)
        event.remove(connection, "before_cursor_execute", note)
        statement, parameters = sent[-1]
        rows = connection.exec_driver_sql(f"EXPLAIN {'' if native else 'QUERY PLAN '}{statement}", parameters)
        return [str(each[-1]) for each in rows]


def whole_tenant_reads(plan: list[str]) -> list[str]:
    """The steps of a plan that read every record of a tenant, or more."""
    return [step for step in plan if any(each.search(step) for each in _WHOLE)]
