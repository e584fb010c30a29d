"""What the front decides of a caller's share: whose lane, which places, which rate, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from saddlebag.contract import namespaces
from saddlebag.kernel.errors import QUEUE_FULL, SaddlebagError
from saddlebag.records import access
from saddlebag.records.call import Hub
from saddlebag.server.front import Admitted, Front, Options
from saddlebag.server.gate import Want
from saddlebag.server.http_rules import Answer, Request
from saddlebag.server.queues import Lane
from saddlebag.server.rates import LocalBook, Meter, Rate, Rates
from saddlebag.server.root import make_front
from soap_probe import FINGERPRINT, SERVICE, TENANT, Reply, envelope

SESSION = "<t:Session><t:token>{}</t:token></t:Session>"


@pytest.fixture
def front(hub: Hub) -> Front:
    """A front whose rates are small and whose clock stands still."""
    rates = Rates(tenant=Rate(1, 5), principal=Rate(1, 3), address=Rate(1, 2))
    return make_front(hub, [SERVICE], Options(user_calls=3, stranger_calls=6), Meter(rates, LocalBook(), lambda: 7.0))


def _request(body: str, header: str = "", *, path: str = "/acme/probe/v1", address: str = "192.0.2.1") -> Request:
    return Request("POST", path, "", {"content-type": "text/xml"}, envelope(body, header), "r", address=address)


def _reply(answer: Answer) -> Reply:
    return Reply(answer, etree.fromstring(answer.body))


def _detail(reply: Reply, name: str) -> str | None:
    found = reply.root.find(f".//{{{namespaces.TYPES}}}{name}")
    return None if found is None else found.text


def test_a_user_beyond_her_rate_is_refused_with_rule_count_limit_and_time(front: Front, token: str) -> None:
    request = _request("<p:Who/>", SESSION.format(token))
    replies = [_reply(front.answer(request)) for _ in range(4)]
    assert [each.status for each in replies] == [200, 200, 200, 429]
    told = [_detail(replies[3], name) for name in ("code", "name", "retry", "retryAfter", "rule", "count", "limit")]
    assert told == ["SB5004", "RateLimited", "later", "1", "calls of one user", "4", "3"]
    assert replies[3].answer.headers["Retry-After"] == "1"


def test_strangers_of_one_address_are_refused_and_those_of_another_are_not(front: Front) -> None:
    statuses = [front.answer(_request("<p:Ping/>")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert front.answer(_request("<p:Ping/>", address="192.0.2.2")).status == 200


def test_who_guesses_sessions_is_refused_as_who_guesses_passwords(front: Front, token: str) -> None:
    guess = _request("<p:Who/>", SESSION.format("guess"))
    assert [_reply(front.answer(guess)).code for _ in range(3)] == ["SB2003", "SB2003", "SB5004"]
    honest = _request("<p:Who/>", SESSION.format(token))
    assert front.answer(honest).status == 200, "a neighbour's guesses do not count against who is known"


def test_limit_info_is_told_to_who_asks(front: Front, token: str) -> None:
    asked = _request("<p:Who/>", SESSION.format(token) + "<t:LimitInfo/>")
    root = _reply(front.answer(asked)).root
    block = root.find(f"{{{namespaces.SOAP11}}}Header/{{{namespaces.TYPES}}}LimitInfo")
    assert [[child.text for child in rate] for rate in block] == [
        ["calls of one tenant", "5", "4", "1"],
        ["calls of one user", "3", "2", "1"],
    ]
    plain = _reply(front.answer(_request("<p:Who/>", SESSION.format(token)))).root
    assert plain.find(f"{{{namespaces.SOAP11}}}Header") is None


def test_limit_info_with_content_is_refused(front: Front) -> None:
    reply = _reply(front.answer(_request("<p:Ping/>", "<t:LimitInfo><t:rate/></t:LimitInfo>")))
    assert (reply.code, _detail(reply, "field")) == ("SB1007", "LimitInfo")


def test_a_tenants_lane_is_its_own_once_it_is_known_and_names_of_none_share_one(front: Front) -> None:
    ping = _request("<p:Ping/>")
    before = front.lane(ping)
    front.answer(ping)
    assert (before.tenant, front.lane(ping)) == ("~strangers", Lane("acme", "192.0.2.1"))
    invented = [_request("<p:Ping/>", path=f"/tenant{number}/probe/v1") for number in range(3)]
    for each in invented:
        front.answer(each)
    assert {front.lane(each) for each in invented} == {before}
    assert front.lane(Request("GET", "/healthz", "", {}, b"", "r", address="192.0.2.1")).tenant == "~pages"


def test_a_partner_with_a_certificate_waits_in_a_lane_of_its_own(front: Front) -> None:
    front.answer(_request("<p:Ping/>"))
    request = Request("POST", "/acme/probe/v1", "", {}, b"", "r", FINGERPRINT, "192.0.2.1")
    assert front.lane(request) == Lane("acme", FINGERPRINT)


def test_a_call_wants_a_place_of_its_user_and_a_log_in_one_of_address_and_tenant(
    hub: Hub, front: Front, token: str
) -> None:  # fmt: skip
    known = front.begin(_request("<p:Who/>", SESSION.format(token)))
    login = SERVICE.operation("Ping")
    assert login is not None
    proving = replace(SERVICE, operations=(replace(login, logs_in=True),))
    stranger = make_front(hub, [proving], Options(stranger_calls=6)).begin(_request("<p:Ping/>"))
    cheap = front.begin(_request("<p:Ping/>"))
    assert isinstance(cheap, Admitted)
    assert cheap.wants == ()
    assert isinstance(known, Admitted)
    assert isinstance(stranger, Admitted)
    assert known.wants == (Want("calls of one user", "user acme u1", 3),)
    assert [(each.owner, each.most) for each in stranger.wants] == [
        ("address acme 192.0.2.1", 3),
        ("strangers acme", 6),
    ]
    assert known.finish().status == 200


def test_a_session_that_ended_while_its_call_waited_no_longer_counts(hub: Hub, token: str) -> None:

    times = [hub.now()]
    front = make_front(replace(hub, now=lambda: times[-1]), [SERVICE])
    begun = front.begin(_request("<p:Who/>", SESSION.format(token)))
    assert isinstance(begun, Admitted)
    hub.store.run(TENANT.name, lambda tx: access.log_out(tx, token))
    times.append(times[0] + timedelta(seconds=2))
    assert _reply(begun.finish()).code == "SB2003"


def test_a_refusal_for_want_of_room_is_429(front: Front) -> None:
    problem = SaddlebagError(QUEUE_FULL, rule="waiting calls of one caller", count=33, limit=32, retry_after=1)
    answer = front.refuse(_request("<p:Ping/>"), problem)
    assert (answer.status, answer.headers["Retry-After"], _reply(answer).code) == (429, "1", "SB5007")
