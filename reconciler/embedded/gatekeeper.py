"""Stands before a registry that is served on a port, and lets in who knows the token of the run.

A page of any origin can have a browser send a simple request to a loopback port, with a body that is not
declared as JSON; and any program of the machine can. So the body has to be declared as JSON, which no page of
another origin can do without being asked, and a token has to be brought that was printed at the start.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from reconciler.embedded.answers import (
    ILLEGAL_TOKEN,
    NO_SUCH_API,
    NO_TOKEN,
    NOT_JSON,
    Code,
    VendorError,
    refusal,
)
from reconciler.embedded.application import AnswerHeaders
from reconciler.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

_FOR_ALL = frozenset({"/", "/healthz", "/docs", "/openapi.json"})
"""What tells nothing of any model."""

_NOT_DECLARED = Code(415, NOT_JSON.code)
_MISDIRECTED = Code(421, NO_SUCH_API.code)


def is_local(host: str) -> bool:
    """Whether a host, with or without a port, is a name or an address of this very machine."""
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


class Gatekeeper:
    """Middleware in front of the whole registry.

    Args:
        app: the registry.
        token: what `X-Auth-Token` has to be; None where the registry asks for credentials of its own, or is
            open to everybody.
        clock: the registry's, which its refusals are dated by like every other answer.
        local_only: whether the `Host` of every request has to be a name of loopback. A page of anywhere can
            have its own name resolve to loopback, and would call an open registry as a page of its own.
    """

    def __init__(
        self, app: ASGIApp, token: str | None, clock: Callable[[], float], *, local_only: bool = False
    ) -> None:
        self._app = app
        self._token = token
        self._clock = clock
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or refuses it in the vendor's envelope."""
        error = self._refused(scope) if scope["type"] == "http" else None
        if error is None:
            await self._app(scope, receive, send)
            return

        async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
            await refusal(error, scope["state"]["request_id"])(scope, receive, send)

        await AnswerHeaders(refuse, self._clock)(scope, receive, send)

    def _refused(self, scope: Scope) -> VendorError | None:
        headers = Headers(scope=scope)
        if self._local_only and not is_local(headers.get("host", "")):
            return VendorError(_MISDIRECTED, "an open registry on loopback is called by a name of loopback")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if scope["method"] in ("POST", "PUT", "PATCH") and kind != "application/json":
            return VendorError(_NOT_DECLARED, "declare the body with Content-Type: application/json")
        if self._token is None or scope["path"] in _FOR_ALL:
            return None
        given = headers.get("x-auth-token")
        if given is None:
            return VendorError(NO_TOKEN, "send the token that was printed at the start as X-Auth-Token")
        if not hmac.compare_digest(given.encode("latin-1"), self._token.encode()):
            return VendorError(ILLEGAL_TOKEN, "X-Auth-Token is not the token that was printed at the start")
        return None
