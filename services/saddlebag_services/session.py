"""The session service: who is calling, and what time it is at the hub.

Belongs here: log-in in its three steps, each in a transaction of its own. May not know: how a password is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from saddlebag.contract.spec import Access, Enumeration, Member, Operation, Scalar, Service, ServiceFactory
from saddlebag.kernel.errors import INVALID_CREDENTIALS, SaddlebagError
from saddlebag.model.entities import Schema
from saddlebag.records import access
from saddlebag.records.call import Call
from saddlebag.security.principal import Role
from saddlebag.store.base import Transaction

Request = Mapping[str, Any]

_OF_NOBODY = (Role.SYSTEM, Role.REVOKED)
ROLE = Enumeration(
    "CallerRole", tuple(str(each) for each in Role if each not in _OF_NOBODY), "What a user may do in the tenant."
)
_USER_ID = Member("userId", Scalar.ID, "Identifier of the user's own record.", required=True)
_NAME = Member("name", Scalar.STRING, "Full name of the user.", required=True)
_ROLE = Member("role", ROLE, "What the user may do.", required=True)
_GRANT = (
    Member("token", Scalar.TOKEN, "The session's token, for the Session header of calls.", required=True, length=128),
    Member("expiresAt", Scalar.DATETIME, "When the session ends.", required=True),
    _USER_ID,
    _NAME,
    _ROLE,
)


def build(schema: Schema) -> Service:
    """The session service; it is the same for every schema."""
    return Service(
        "session",
        "Log-in, log-out, and the first questions of a caller.",
        (
            Operation(
                "Login",
                "Open a session with user name and password. Too many failures make the account wait.",
                (
                    Member("user", Scalar.STRING, "Name that the user logs in with.", required=True, length=64),
                    Member("password", Scalar.STRING, "The user's password.", required=True, length=1024),
                ),
                _GRANT,
                _login,
                Access.PUBLIC,
                logs_in=True,
            ),
            Operation(
                "LoginDevice",
                "Open a session for a registered device with the key that RegisterDevice gave it.",
                (
                    Member("device", Scalar.ID, "Identifier of the device.", required=True),
                    Member("deviceKey", Scalar.TOKEN, "The device's key.", required=True, length=128),
                ),
                _GRANT,
                _login_device,
                Access.PUBLIC,
                logs_in=True,
            ),
            Operation("Logout", "End the session that the call belongs to.", (), (), _logout),
            Operation(
                "KeepAlive",
                "Let the session that the call belongs to begin anew, up to its longest life. Answered with HTTP 202 "
                "and nothing else.",
                (),
                (),
                _keep_alive,
                one_way=True,
            ),
            Operation(
                "GetServerTime",
                "The hub's clock.",
                (),
                (
                    Member("time", Scalar.DATETIME, "Time at the hub, in UTC.", required=True),
                    Member("version", Scalar.TOKEN, "Version of the hub.", required=True),
                ),
                _time,
                Access.PUBLIC,
            ),
            Operation(
                "GetUserInfo",
                "Who the caller is and what she may see.",
                (),
                (
                    _USER_ID,
                    _NAME,
                    _ROLE,
                    Member("email", Scalar.STRING, "The user's e-mail address."),
                    Member("territory", Scalar.ID, "Territories that the user works in, with those below.", many=True),
                    Member("device", Scalar.ID, "The device that the session belongs to."),
                    Member("tenant", Scalar.TOKEN, "Name of the tenant.", required=True),
                    Member("timeZone", Scalar.TOKEN, "Time zone of the tenant, as an IANA name.", required=True),
                ),
                _user_info,
            ),
        ),
    )


def _login(call: Call, request: Request) -> Mapping[str, Any]:
    attempt = call.run(lambda tx: access.reserve(tx, request["user"], call.now))
    if not attempt.proved(request["password"]):
        raise SaddlebagError(INVALID_CREDENTIALS)
    hub = call.hub
    return call.run(lambda tx: _granted(tx, access.grant(tx, attempt, call.now, hub.new_secret, hub.session_seconds)))


def _login_device(call: Call, request: Request) -> Mapping[str, Any]:
    def work(tx: Transaction) -> Mapping[str, Any]:
        device, key, hub = request["device"], request["deviceKey"], call.hub
        return _granted(tx, access.log_in_device(tx, device, key, call.now, hub.new_secret, hub.session_seconds))

    return call.run(work)


def _granted(tx: Transaction, granted: access.Granted) -> dict[str, Any]:
    user = granted.principal.user
    record = tx.get("User", [user], deleted=True)[user]
    return {
        "token": granted.token,
        "expiresAt": granted.expires_at,
        "userId": user,
        "name": record.values["name"],
        "role": record.values["role"],
    }


def _logout(call: Call, request: Request) -> Mapping[str, Any]:
    token = call.session_token
    if token:
        call.run(lambda tx: access.log_out(tx, token))
    return {}


def _keep_alive(call: Call, request: Request) -> Mapping[str, Any]:
    token = call.session_token
    if token:
        call.run(lambda tx: access.keep_alive(tx, token, call.now, call.hub.session_seconds))
    return {}


def _time(call: Call, request: Request) -> Mapping[str, Any]:
    return {"time": call.now, "version": call.hub.version}


def _user_info(call: Call, request: Request) -> Mapping[str, Any]:
    principal = call.who()
    record = call.run(lambda tx: tx.get("User", [principal.user])[principal.user], read_only=True)
    return {
        "userId": principal.user,
        "name": record.values["name"],
        "role": str(principal.role),
        "email": record.values.get("email"),
        "territory": sorted(principal.territories),
        "device": principal.device or None,
        "tenant": call.tenant.name,
        "timeZone": call.tenant.time_zone,
    }


SERVICE: ServiceFactory = build
"""What the entry point names."""
