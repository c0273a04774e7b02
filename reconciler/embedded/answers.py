"""What the registry says when it says no: the vendor's codes, their HTTP status, and the envelopes.

The codes and statuses are the vendor's (error-code tables of 2021 and 2025, gateway and IAM pages); the
wording is ours and names the field or the remedy.
"""

from __future__ import annotations

import json
import sqlite3
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import Response

from reconciler.log import log
from reconciler.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

_ABOUT_WHO_ASKS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_LONGEST_MESSAGE = 512


class Code(NamedTuple):
    """A vendor error code with the status it comes with."""

    status: int
    code: str


BAD_ARGUMENT = Code(400, "ModelArts.0101")
BAD_PARAMETER = Code(400, "ModelArts.0104")
BAD_VALUES = Code(400, "ModelArts.0107")
TOKEN_WITHOUT_PROJECT = Code(400, "ModelArts.0204")
NO_SUCH_PROJECT = Code(400, "ModelArts.0210")
BAD_CONFIG = Code(400, "ModelArts.3015")
UNKNOWN_CONFIG_KEY = Code(400, "ModelArts.3016")
BAD_SOURCE = Code(400, "ModelArts.3017")
NO_TEMPLATE_ID = Code(400, "ModelArts.3029")
NO_TEMPLATE = Code(400, "ModelArts.3034")
MISSING = Code(400, "ModelArts.3036")
INVALID = Code(400, "ModelArts.3037")
DUPLICATE_INPUT = Code(400, "ModelArts.3039")
BAD_RESTRAINT = Code(400, "ModelArts.3041")
NOT_JSON = Code(400, "ModelArts.4105")
QUOTA_REACHED = Code(400, "ModelArts.3578")
NO_TOKEN = Code(401, "ModelArts.0201")
EXPIRED_TOKEN = Code(401, "ModelArts.0202")
ILLEGAL_TOKEN = Code(401, "ModelArts.0203")
BAD_SIGNATURE = Code(401, "APIGW.0301")
BAD_CLOCK = Code(401, "APIGW.0303")
OTHER_PROJECT = Code(403, "ModelArts.0210")
NO_SUCH_MODEL = Code(404, "ModelArts.3001")
NO_SUCH_API = Code(404, "APIGW.0101")
EXISTS = Code(409, "ModelArts.3002")
TOO_LARGE = Code(413, "ModelArts.4104")
INTERNAL = Code(500, "ModelArts.0010")
NOT_STORED = Code(500, "ModelArts.3006")
IN_USE = Code(500, "ModelArts.3009")
UNSUPPORTED_TYPE = Code(500, "ModelArts.3053")
UNAVAILABLE = Code(503, "ModelArts.4302")


class VendorError(Exception):
    """A refusal on its way to the client.

    Attributes:
        code: what a program reads.
        message: what a person reads.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = one_line(message, _LONGEST_MESSAGE)


class IamError(Exception):
    """A refusal by the IAM endpoint, which has an envelope of its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = one_line(message, _LONGEST_MESSAGE)


def answer(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response: UTF-8, compact, key order kept."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return written(text, status, headers)


def written(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A response of JSON that was written already."""
    return Response(text.encode(), status, headers, media_type="application/json")


def refusal(error: VendorError, request_id: str | None) -> Response:
    """A refusal in the vendor's envelope; the gateway's also names the request."""
    content: dict[str, Any] = {"error_code": error.code.code, "error_msg": error.message}
    if error.code.code.startswith("APIGW.") and request_id:
        content["request_id"] = request_id
    return answer(content, error.code.status)


def error_answer(error: VendorError | IamError | sqlite3.Error, request_id: str) -> Response:
    """The answer to a call that was refused, or that the database failed; IAM's in an envelope of its own."""
    if isinstance(error, sqlite3.Error):
        log.error("request %s failed: the database says %s", request_id, error)
        return refusal(VendorError(INTERNAL, f"the database says: {error}"), request_id)
    status, named = (error.status, "login") if isinstance(error, IamError) else error.code
    if status in _ABOUT_WHO_ASKS:
        log.warning("request %s refused: %s %s", request_id, status, named)
    if isinstance(error, VendorError):
        return refusal(error, request_id)
    title = HTTPStatus(status).phrase
    return answer({"error": {"code": status, "message": error.message, "title": title}}, status)


def failed(request_id: str) -> Response:
    """The answer to a call that failed as nobody foresaw."""
    message = "the registry failed; its log says why under this request's id"
    return refusal(VendorError(INTERNAL, message), request_id)
