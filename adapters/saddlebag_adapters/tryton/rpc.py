"""Calling Tryton: JSON-RPC over one kept connection, with time-outs, a size cap and verified TLS.

Belongs here: the conversation and what its failures mean. May not know: models, streams.

    POST /<database>/rpc/          8.x; /<database>/ before. Found out at log-in, not assumed.
    {"id": 1, "method": "model.party.party.search", "params": [..., context]}
    Authorization: Session base64(user:uid:token)
    200 {"id": 1, "result": ...} | {"id": 1, "error": [name, [...]]}      401 without body: log in (again)

No text of Tryton's goes into an error: a fault there may hold server paths, and what the user sent.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

from saddlebag.bridge.port import Clock
from saddlebag.kernel.errors import (
    ADAPTER_CONFIGURATION,
    ADAPTER_FATAL,
    ADAPTER_RECORD,
    ADAPTER_UNAVAILABLE,
    ErrorKind,
    SaddlebagError,
)
from saddlebag_adapters.tryton import wire

PATHS = ("/{database}/rpc/", "/{database}/")
"""Where a database is called, newest series first."""

_BY_NAME: Mapping[str, tuple[ErrorKind, str]] = {
    "AccessError": (ADAPTER_CONFIGURATION, "The Tryton user may not read {method}."),
    "AccessButtonError": (ADAPTER_CONFIGURATION, "The Tryton user may not use {method}."),
    "LoginException": (ADAPTER_CONFIGURATION, "Tryton asks for more than a password to log in."),
    "ConcurrencyException": (ADAPTER_UNAVAILABLE, "Another transaction in Tryton was in the way of {method}."),
    "UserError": (ADAPTER_RECORD, "Tryton refused {method} with a message for its user."),
    "UserWarning": (ADAPTER_RECORD, "Tryton refused {method} with a warning for its user."),
}


class Rpc:
    """One log-in to one database. Calls read only, so a connection that broke is tried once more at once."""

    def __init__(self, settings: Mapping[str, Any], clock: Clock) -> None:
        address = urlsplit(str(settings["url"]))
        if address.scheme not in ("http", "https") or not address.hostname or address.username:
            raise SaddlebagError(ADAPTER_CONFIGURATION, "The setting url is not http(s)://host[:port].", field="url")
        self._settings = settings
        self._clock = clock
        self._prefix = address.path.rstrip("/")
        self._connection = _connection(address.scheme, address.hostname, address.port, settings)
        self._path = ""
        self._session = ""
        self.server_time = clock()
        self.version = ""

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

    def call(self, method: str, *params: object, context: Mapping[str, object] | None = None) -> Any:
        """The result of a call, logged in; raises the catalogue's 7xxx kinds."""
        if not self._session:
            self._log_in()
        arguments = [*params, dict(context or {})]
        status, answer = self._post(self._path, method, arguments, self._session)
        if status == 401:
            # A session ends when the server restarts or forgets it; the password is still good.
            self._log_in()
            status, answer = self._post(self._path, method, arguments, self._session)
        if status != 200:
            raise _by_status(status, method)
        return _result(answer, method)

    def _log_in(self) -> None:
        user = str(self._settings["user"])
        self._session = ""
        status, answer = self._find_login([user, {"password": str(self._settings["password"])}])
        if status in (404, 405):
            raise SaddlebagError(ADAPTER_CONFIGURATION, "Tryton has no database of this name.", field="database")
        if status not in (200, 401):
            raise _by_status(status, "common.db.login")
        login: Any = _result(answer, "common.db.login") if status == 200 else None
        if not isinstance(login, list) or len(login) < 2:
            raise SaddlebagError(ADAPTER_CONFIGURATION, "Tryton refuses the user or the password.", field="password")
        token = base64.b64encode(f"{user}:{login[0]}:{login[1]}".encode()).decode()
        self._session = f"Session {token}"
        self.version = self._server_version()

    def _find_login(self, parameters: Sequence[object]) -> tuple[int, Any]:
        """The answer to a log-in, at the first path that knows the database."""
        database = quote(str(self._settings["database"]), safe="")
        status, answer = 404, None
        for path in PATHS:
            self._path = self._prefix + path.format(database=database)
            status, answer = self._post(self._path, "common.db.login", parameters, "")
            if status not in (404, 405):
                break
        return status, answer

    def _server_version(self) -> str:
        status, answer = self._post(self._prefix + "/rpc/", "common.server.version", [], "")
        if status != 200:
            status, answer = self._post(self._prefix + "/", "common.server.version", [], "")
        return str(_result(answer, "common.server.version")) if status == 200 else "unknown"

    def _post(self, path: str, method: str, params: Sequence[object], session: str) -> tuple[int, Any]:
        body = wire.encode({"id": 1, "method": method, "params": params})
        headers = {"Content-Type": "application/json", "Connection": "keep-alive"}
        if session:
            headers["Authorization"] = session
        try:
            try:
                return self._exchange(path, body, headers)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                self._connection.close()
                return self._exchange(path, body, headers)
        except ssl.SSLCertVerificationError as problem:
            self._connection.close()
            raise SaddlebagError(
                ADAPTER_CONFIGURATION, "Tryton's certificate is not to be trusted.", field="ca_file"
            ) from problem
        except (OSError, http.client.HTTPException) as problem:
            self._connection.close()
            raise SaddlebagError(ADAPTER_UNAVAILABLE, "Tryton cannot be reached or does not answer.") from problem

    def _exchange(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        self._connection.request("POST", path, body, dict(headers))
        response = self._connection.getresponse()
        limit = int(self._settings["max_bytes"])
        content = response.read(limit + 1)
        self._note_time(response.headers.get("Date"))
        if len(content) > limit:
            self._connection.close()
            raise SaddlebagError(ADAPTER_FATAL, "An answer of Tryton's is larger than max_bytes.", limit=limit)
        if response.status in (429, 502, 503, 504):
            raise _busy(response.headers.get("Retry-After"))
        if response.status != 200:
            return response.status, None
        try:
            return 200, wire.decode(content)
        except ValueError as problem:
            raise SaddlebagError(ADAPTER_FATAL, "What answers at the url does not speak Tryton's JSON.") from problem

    def _note_time(self, header: str | None) -> None:
        """The server's own time: its stamps are compared with it, not with this machine's."""
        try:
            moment = parsedate_to_datetime(header or "")
            self.server_time = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        except ValueError:
            self.server_time = self._clock()


def _connection(scheme: str, host: str, port: int | None, settings: Mapping[str, Any]) -> http.client.HTTPConnection:
    timeout = float(settings["timeout"])
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        context = ssl.create_default_context(cafile=settings["ca_file"] or None)
    except (OSError, ssl.SSLError) as problem:
        raise SaddlebagError(
            ADAPTER_CONFIGURATION, "The setting ca_file names no readable certificates.", field="ca_file"
        ) from problem
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


def _result(answer: Any, method: str) -> Any:
    if not isinstance(answer, Mapping) or ("result" not in answer and "error" not in answer):
        raise SaddlebagError(ADAPTER_FATAL, "What answers at the url does not speak Tryton's JSON.")
    error = answer.get("error")
    if not error:
        return answer.get("result")
    name = str(error[0]) if isinstance(error, list) and error else ""
    kind, text = _BY_NAME.get(name, (ADAPTER_FATAL, "Tryton failed in {method}; its version may not be one we know."))
    raise SaddlebagError(kind, text.format(method=method))


def _by_status(status: int, method: str) -> SaddlebagError:
    if status in (401, 403):
        return SaddlebagError(ADAPTER_CONFIGURATION, f"The Tryton user may not call {method}.")
    kind = ADAPTER_UNAVAILABLE if status >= 500 else ADAPTER_FATAL
    return SaddlebagError(kind, f"Tryton answered {method} with HTTP status {status}.")


def _busy(header: str | None) -> SaddlebagError:
    seconds = int(header) if header and header.isdigit() else None
    return SaddlebagError(ADAPTER_UNAVAILABLE, "Tryton asks to be left alone for a while.", retry_after=seconds)
