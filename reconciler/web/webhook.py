"""Deliveries of git hosts: whether one is authentic and new, with its body read as a stream."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse

from reconciler.errors import ReconcilerError
from reconciler.web.signatures import delivery_id, proof_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from reconciler.web.signatures import Proof

MAX_BODY = 25 * 1024 * 1024
"""Bytes; GitHub sends no larger delivery. The body is hashed as it comes, and none of it is kept."""

MAX_SECRETS = 2
"""Secrets that are good at a time: while one is replaced, the old one and the new one."""

_REMEMBERED = 4096  # deliveries
_EVENT = "x-gitlab-event-uuid"  # several deliveries may be of one event
_PLAIN_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
_UNSIGNED = "the delivery is not signed with the configured secret"
_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one delivery.

    Attributes:
        result: a refused one brought no good proof, or was too large or too slow.
        reason: why it was refused; empty otherwise.
    """

    result: Literal["accepted", "repeated", "refused"]
    sender: str
    reason: str = ""


class Receiver:
    """Takes deliveries; a delivery that was taken before does nothing.

    The secrets are read anew with each delivery, one a line and no more than two, so that rotation needs no
    restart; None where there is no webhook. A body may take so many `seconds` to arrive.
    """

    def __init__(
        self,
        secret: Callable[[], str | None],
        trigger: Callable[[str], None],
        on_delivery: Callable[[Delivery], None] = lambda _: None,
        seconds: float = 10.0,
    ) -> None:
        self._secret = secret
        self._trigger = trigger
        self._on_delivery = on_delivery
        self._seconds = seconds
        self._taken: OrderedDict[bytes, None] = OrderedDict()

    async def receive(self, request: Request) -> Response:
        """Answers one delivery with 202 and asks for a tick, or with 200 when it was taken before.

        Which branch was pushed is not looked at: a tick finds out, and costs nothing when nothing moved.

        Raises:
            HTTPException: 401 not authentic, 404 no secret is configured, 408 the body did not arrive in
                time, 413 it is too large, 503 the secret could not be read.
        """
        sender = request.client.host if request.client else "unknown"
        try:
            proof = await self._proven(request)
        except HTTPException as refusal:
            if refusal.status_code != 404:  # noqa: PLR2004 - there is no webhook
                self._on_delivery(Delivery("refused", sender, str(refusal.detail)))
            raise
        if not self._is_new(proof, request):
            self._on_delivery(Delivery("repeated", sender))
            return PlainTextResponse("this delivery was taken before; nothing is to be done\n", 200)
        self._on_delivery(Delivery("accepted", sender))
        self._trigger(_asker(request, sender))
        return PlainTextResponse("a tick was asked for\n", 202)

    async def _proven(self, request: Request) -> Proof:
        """The proof, once it is known to be good; a wrong bare secret is refused with the body unread."""
        proof = proof_of(request.headers, self._secrets(), time.time())
        if proof is None or not (proof.needs_body or proof.holds()):
            raise HTTPException(401, _UNSIGNED, _CLOSE)
        await self._read(request, proof)
        if not proof.holds():
            raise HTTPException(401, _UNSIGNED)
        return proof

    def _secrets(self) -> list[str]:
        try:
            secret = self._secret()
        except ReconcilerError as error:
            raise HTTPException(
                503, "the webhook's secret cannot be read; see `reconciler doctor`"
            ) from error
        secrets = [line for line in (secret or "").splitlines() if line.strip()][:MAX_SECRETS]
        if not secrets:
            raise HTTPException(404)
        return secrets

    async def _read(self, request: Request, proof: Proof) -> None:
        """Hashes the body as it comes; an unsigned one is read as well, for its sender to be heard."""
        received = 0
        try:
            async with asyncio.timeout(self._seconds):
                async for piece in request.stream():
                    received += len(piece)
                    if received > MAX_BODY:
                        raise HTTPException(413, f"a delivery may have {MAX_BODY} bytes", _CLOSE)
                    proof.update(piece)
        except TimeoutError as error:
            raise HTTPException(408, "the body did not arrive in time", _CLOSE) from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the sender went away") from error

    def _is_new(self, proof: Proof, request: Request) -> bool:
        """Whether the host's name of the delivery, or its signed time where it has none, is new.

        GitHub and Gitea do not sign the name: whoever plays a delivery back under another one gets a tick,
        which costs nothing when nothing moved. A body alone is no name: pushing to and fro repeats it.
        """
        named = delivery_id(request.headers)
        mark = named.encode("latin-1") if named else proof.moment_digest
        if mark is None:
            return True
        digest = hashlib.sha256(mark).digest()
        seen = digest in self._taken
        self._taken[digest] = None
        self._taken.move_to_end(digest)
        while len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)
        return not seen


def _asker(request: Request, sender: str) -> str:
    """The delivery by the id that the git host gave it, and the address that it came from."""
    named = (delivery_id(request.headers) or "").partition(" ")[2] or request.headers.get(_EVENT, "")
    return f"webhook{f' delivery {named}' if _PLAIN_ID.fullmatch(named) else ''} from {sender}"
