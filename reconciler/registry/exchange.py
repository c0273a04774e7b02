"""One exchange with a registry: the call, its answer, and the error of `reconciler.errors` that this may be.

Pure. Tolerates every envelope the vendor uses, and whatever a proxy or a broken server may put in its place.
What reaches a message is cut, free of control characters, and never part of a refusal of credentials, because
the gateway repeats the signed request there.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from reconciler import errors
from reconciler.printable import one_line
from reconciler.registry.codes import (
    ASK_AGAIN,
    NO_IMPORT,
    NO_LIST,
    NO_MODEL,
    NOT_THE_REGISTRY,
    Action,
    ErrorRule,
    disposition,
    known_code,
    withdrawn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Redact = Callable[[str], str]


E = TypeVar("E", bound=errors.RegistryError)

MESSAGE_LIMIT = 300
LATER_SECONDS = 60.0
_ID_LIMIT = 64
_LONGEST_WAIT = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be made.

    Attributes:
        path: percent-encoded path, from the endpoint's on.
        query: canonical query, without `?`.
        body: the JSON to send, as the bytes that are signed and sent.
        write: whether executing it twice would matter (an import); such a call is only repeated after a proof
            that it was not executed, and of no other may the outcome be unknown.
        one_model: whether it is about one model: what it is answered says nothing about any other call.
    """

    method: str
    path: str
    query: str = ""
    body: bytes | None = None
    write: bool = False
    one_model: bool = False

    def error(self, kind: type[E], message: str, **facts: Any) -> E:  # noqa: ANN401 - of several types
        """An error of this kind about this request; `facts` are those of the answer."""
        return kind(message, method=self.method, path=self.path, **facts)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, read whole.

    Attributes:
        headers: names in lower case.
        body: as received, possibly cut where it was an error.
        request_id: the vendor's id of the request, from the header.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str | None = None

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks to wait, or None."""
        return retry_after(self.headers)


class Envelope(NamedTuple):
    """What could be read of an error body; all None where it was none of the vendor's."""

    code: str | None = None
    message: str | None = None
    request_id: str | None = None


def load(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The JSON value of a body.

    Raises:
        ValueError: the body is not JSON, or nested too deeply to be one of the vendor's.
    """
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def envelope(body: bytes, redact: Redact = str) -> Envelope:
    """The code and message of an error body, in any of the vendor's envelopes.

    ModelArts and its gateway write `error_code` with `error_msg` or `error_message`; IAM nests `code` and
    `message` below `error`; its SDK also expects `errorCode`, `errorMsg` and a bare `code`, `message`.
    """
    try:
        document = load(body)
    except ValueError:
        return Envelope()
    if not isinstance(document, dict):
        return Envelope()
    inner = document.get("error")
    places = [document, inner] if isinstance(inner, dict) else [document]

    def first(*names: str, limit: int) -> str | None:
        values = (place.get(name) for place in places for name in names)
        texts = (one_line(redact(value), limit) for value in values if isinstance(value, str))
        return next((text for text in texts if text), None)

    return Envelope(
        code=first("error_code", "errorCode", "code", limit=_ID_LIMIT),
        message=first("error_msg", "error_message", "errorMsg", "message", "error", limit=MESSAGE_LIMIT),
        request_id=first("request_id", "requestId", limit=_ID_LIMIT),
    )


def request_id(headers: Mapping[str, str], said: Envelope | None = None, redact: Redact = str) -> str | None:
    """The vendor's id of a request: from the answer's header, or else from its envelope."""
    text = one_line(redact(headers.get("x-request-id", "")), _ID_LIMIT)
    return text or (said.request_id if said else None)


def classify(
    call: Request, status: int, headers: Mapping[str, str], body: bytes, *, redact: Redact = str
) -> errors.RegistryError:
    """The error that an answer is, by its code first and its status second.

    Header names are in lower case; `redact` removes secrets from a text that the server wrote.
    """
    said = envelope(body, redact)
    rule = _judge(status, said, call)
    asked = retry_after(headers)
    return call.error(
        _error_class(rule.action, write=call.write),
        _wording(rule, said, write=call.write),
        status=status,
        code=said.code,
        request_id=request_id(headers, said, redact),
        retry_after=asked or LATER_SECONDS if rule.action is Action.LATER else asked,
    )


def _wording(rule: ErrorRule, said: Envelope, *, write: bool) -> str:
    """The sentence for a person: what it means, what the registry said, what to do.

    A refusal of credentials is repeated only with a code of the service's own, behind the gateway: the
    gateway's may hold the signed request.
    """
    parts = [rule.meaning]
    own = (known_code(said.code) or "").startswith("ModelArts.")
    if said.message and (own or rule.action not in (Action.STOP_TARGET, Action.RENEW)):
        parts.append(f"the registry says: {said.message}")
    remedy = rule.remedy if write or rule.action is not Action.RECONCILE else ASK_AGAIN
    if remedy:
        parts.append(remedy)
    return "; ".join(parts)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the server asks to wait, at most a day; a date is read against the server's own clock."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = (
            float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else _until(text, headers)
        )
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _until(date: str, headers: Mapping[str, str]) -> float:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow, and few servers send dates

    moments = [parsedate_to_datetime(text) for text in (date, headers.get("date", ""))]
    then, now = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in moments)
    return (then - now).total_seconds()


def _judge(status: int, said: Envelope, call: Request) -> ErrorRule:
    rule = disposition(status, said.code)
    readable = said.code is not None or said.message is not None
    place = _PLACE.search(call.path)
    if place is not None and place["id"] is None and withdrawn(status, said.code):
        return NO_LIST if call.method == "GET" else NO_IMPORT
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE) and rule.action is Action.WRONG_ENDPOINT:
        from_gateway = (known_code(said.code) or "").startswith("APIG.")
        return NO_MODEL if place is not None and readable and not from_gateway else rule
    if rule.action is Action.REJECT and not readable and call.method != "POST":
        return NOT_THE_REGISTRY
    return rule


def _error_class(action: Action, *, write: bool) -> type[errors.RegistryError]:
    if action is Action.RECONCILE:
        return errors.OutcomeUnknown if write else errors.RegistryUnavailable
    return _CLASSES.get(action, errors.RegistryError)


_PLACE = re.compile(r"/v1/[^/]+/models(?:/(?P<id>[^/]+))?$")
"""The path of the list and of the import, or of one model."""

_CLASSES: Mapping[Action, type[errors.RegistryError]] = {
    Action.REJECT: errors.Rejected,
    Action.EXISTS: errors.AlreadyExists,
    Action.WAIT: errors.RegistryUnavailable,
    Action.LATER: errors.RegistryUnavailable,
    Action.RENEW: errors.Unauthorised,
    Action.STOP_TARGET: errors.Unauthorised,
    Action.NOT_FOUND: errors.NotFound,
}
