"""Deliveries of git hosts: whether one is authentic, and its body within limits."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response

MAX_BODY = 1024 * 1024
"""Bytes; a delivery is authenticated whole, so it is held in memory whole."""

_SIGNATURE = "x-hub-signature-256"
_TOKEN = "x-gitlab-token"  # noqa: S105 - the name of a header
_DELIVERY = ("x-github-delivery", "x-gitea-delivery", "x-gitlab-event-uuid")
_DELIVERY_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_UNSIGNED = "the delivery is not signed with the configured secret"
_CLOSE = {"Connection": "close"}


async def receive(
    request: Request, secret: Callable[[], str | None], trigger: Callable[[str], None], seconds: float
) -> Response:
    """Answers one delivery with 202, and asks for a tick in the name of its sender.

    Which branch was pushed is not looked at: a tick finds out, and costs nothing when nothing moved.

    Raises:
        HTTPException: 401 not authentic, 404 no secret is configured, 408 the body did not arrive within
            `seconds`, 413 it is too large, 503 the secret could not be read.
    """
    known = _known(secret)
    if _SIGNATURE not in request.headers and _TOKEN not in request.headers:
        raise HTTPException(401, _UNSIGNED)
    if not is_authentic(known, request.headers, await _body(request, seconds)):
        raise HTTPException(401, _UNSIGNED)
    trigger(_sender(request))
    return PlainTextResponse("a tick was asked for\n", 202)


def is_authentic(secret: str, headers: Headers, body: bytes) -> bool:
    """Whether the sender knows the secret; compared in constant time.

    GitHub, Gitea and Forgejo sign the body: `X-Hub-Signature-256: sha256=` and the hex HMAC-SHA256. GitLab
    sends the secret itself as `X-Gitlab-Token`. A request with a signature is judged by that alone.
    """
    key = secret.encode()
    signature = headers.get(_SIGNATURE)
    if signature is not None:
        expected = "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode("latin-1"), expected.encode())
    token = headers.get(_TOKEN)
    return token is not None and hmac.compare_digest(token.encode("latin-1"), key)


def _sender(request: Request) -> str:
    """The delivery by the id that the git host gave it, and the address that it came from."""
    ids = (request.headers.get(name) for name in _DELIVERY)
    delivery = next((found for found in ids if found and _DELIVERY_ID.fullmatch(found)), None)
    told = f"webhook delivery {delivery}" if delivery else "webhook"
    return f"{told} from {request.client.host}" if request.client else told


def _known(secret: Callable[[], str | None]) -> str:
    try:
        known = secret()
    except ReconcilerError as error:
        raise HTTPException(503, "the webhook's secret cannot be read; see `reconciler doctor`") from error
    if not known:
        raise HTTPException(404)
    return known


async def _body(request: Request, seconds: float) -> bytes:
    received = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                received += chunk
                if len(received) > MAX_BODY:
                    raise HTTPException(413, f"a delivery may have {MAX_BODY} bytes", _CLOSE)
    except TimeoutError as error:
        raise HTTPException(408, "the body did not arrive in time", _CLOSE) from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the sender went away") from error
    return bytes(received)
