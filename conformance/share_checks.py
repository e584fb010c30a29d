"""`shares/`: what one caller may take of the hub: rates that refuse with a time, slow callers that are cut off.

Belongs here: bounds that a caller meets by how often and how slowly it calls. May not know: how the hub counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from conformance.report import Skip, Suite, expect, same
from conformance.wire import MEDIA, SOAP11, SOAP12, TYPES, Answer, Target, Tenant, answers, call, header, stream

SUITE = Suite("shares")
_WHO = "<m:GetUserInfo/>"
_MOST = 2_000
"""Calls after which a rate that was announced as small is taken for none."""


def _limited(target: Target) -> Tenant:
    if target.limited is None:
        raise Skip("needs a tenant with a small rate")
    return target.limited


def _refused(target: Target, version: str = SOAP11) -> Answer:
    """The first answer that the rate refuses."""
    who = _limited(target)
    for _ in range(_MOST):
        answer = call(target, "session", _WHO, version=version, who=who)
        if answer.status != 200:
            return answer
    raise AssertionError(f"{_MOST} calls were answered")


@SUITE.check("429-retry-after")
def too_many(target: Target) -> None:
    """RFC 6585 4: 429 with Retry-After (RFC 9110 10.2.3); the fault says rule, count, limit and the same time."""
    for version in (SOAP11, SOAP12):
        answer = _refused(target, version)
        same(answer.status, 429, "status")
        after = answer.headers.get("retry-after", "")
        expect(after.isdecimal() and int(after) >= 1, f"Retry-After is {after!r}")
        assert answer.fault is not None
        detail = answer.fault.detail
        same((detail.get("code"), detail.get("retry"), detail.get("retryAfter")), ("SB5004", "later", after), "detail")
        expect(all(detail.get(name) for name in ("rule", "count", "limit")), f"detail {dict(detail)}")


@SUITE.check("429-only-who-did-it")
def others(target: Target) -> None:
    """While one tenant is refused, another is answered as always."""
    same(_refused(target).status, 429, "status of the one")
    for _ in range(5):
        same(call(target, "session", _WHO).status, 200, "status of the other")


@SUITE.check("429-retry-helps")
def again(target: Target) -> None:
    """Who waits as told is answered."""
    answer = _refused(target)
    time.sleep(int(answer.headers["retry-after"]))
    same(call(target, "session", _WHO, who=_limited(target)).status, 200, "status after waiting")


@SUITE.check("limit-info")
def limit_info(target: Target) -> None:
    """LimitInfo, sent empty, comes back with limit, what remains and seconds; it is left out where nobody asked."""
    asked = call(target, "session", _WHO, headers=header("LimitInfo"))
    same(asked.status, 200, "status")
    rates = asked.tree.findall(f".//{{{TYPES}}}LimitInfo/{{{TYPES}}}rate")
    expect(rates, "no rate is told")
    for rate in rates:
        told = {child.tag.rpartition("}")[2]: child.text for child in rate}
        expect(0 <= int(told["remaining"]) < int(told["limit"]) and int(told["reset"]) >= 0, f"told {told}")
    plain = call(target, "session", _WHO)
    expect(plain.tree.find(f".//{{{TYPES}}}LimitInfo") is None, "told though nobody asked")


def _cut(target: Target, *parts: str) -> None:
    """Send the beginning of a request and wait until the hub ends the connection."""
    with stream(target) as over:
        over.sendall("".join(parts).encode())
        try:
            expect(not over.recv(1), "the hub answered half a request")
        except TimeoutError:
            raise AssertionError("the connection was kept") from None
        except OSError:
            return  # cut, not closed


def _check_slow(name: str, doc: str, begin: Callable[[Target], str]) -> None:
    def slow(target: Target) -> None:
        _cut(target, begin(target))
        expect(answers(target), "no call is answered afterwards")

    slow.__doc__ = doc
    SUITE.check(name)(slow)


_check_slow(
    "slow-head",
    "A head that does not end is not waited for.",
    lambda target: f"POST / HTTP/1.1\r\nHost: {target.host}\r\n",
)
_check_slow(
    "slow-body",
    "A body that does not come is not waited for.",
    lambda target: (
        f"POST {target.path('session')} HTTP/1.1\r\nHost: {target.host}\r\nContent-Type: {MEDIA[SOAP11]}\r\n"
        "Content-Length: 500\r\n\r\n<"
    ),
)
