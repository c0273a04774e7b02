"""Deliveries of git hosts: whether one is authentic and new, with its body read as a stream.

| host | header | proof, as the host documents it |
|---|---|---|
| GitHub, Gitea, Forgejo | `X-Hub-Signature-256` | `sha256=` and the hex HMAC-SHA256 of the body |
| GitLab, signing token | `webhook-signature` | `v1,` and the base64 HMAC-SHA256 of id, time and body |
| GitLab, secret token | `X-Gitlab-Token` | the secret itself |
| Gitee | `X-Gitee-Token` | the secret, or the base64 HMAC-SHA256 of `X-Gitee-Timestamp` and the secret |
| CodeArts Repo | `X-Repo-Token` | the secret itself |

Sources: "Validating webhook deliveries" (GitHub); "Webhooks" (GitLab) and the Standard Webhooks
specification, which its signing token follows; help.gitee.com/webhook/how-to-verify-webhook-keys (Gitee);
"Configuring Webhook Settings" (CodeArts Repo's user guide).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, quote_plus

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse

from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.responses import Response


_GITHUB, _STANDARD = "x-hub-signature-256", "webhook-signature"
_GITEE, _GITEE_TIME = "x-gitee-token", "x-gitee-timestamp"
_TOKENS = ("x-gitlab-token", "x-repo-token")
_IDS = ("x-github-delivery", "x-gitea-delivery", "webhook-id", "idempotency-key")
_STANDARD_TOLERANCE = 5 * 60.0  # seconds; the specification's own libraries take as much
_GITEE_TOLERANCE = 3600.0  # seconds; as Gitee documents it
_KEY_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether the sender of a delivery knows a secret; fed with the body, piece by piece.

    Attributes:
        macs: one a secret, over the body; without them, the answer is known at once.
        given: the signatures that the delivery brings.
        written: how the host writes a signature.
        is_known_good: a bare secret, or a signature of less than the body, was good.
        moment_digest: stands for a signed time, where the host names no delivery; None otherwise.
    """

    macs: Sequence[hmac.HMAC] = ()
    given: Sequence[bytes] = ()
    written: Callable[[bytes], bytes] = bytes
    is_known_good: bool = False
    moment_digest: bytes | None = None

    def update(self, piece: bytes) -> None:
        """Takes the next piece of the body; none of it is kept."""
        for mac in self.macs:
            mac.update(piece)

    def holds(self) -> bool:
        """Whether the proof is good; compared in constant time."""
        made = [self.written(mac.digest()) for mac in self.macs]
        same = [hmac.compare_digest(one, other) for one in made for other in self.given]
        return self.is_known_good or any(same)


def proof_of(headers: Headers, secrets: Sequence[str], now: float) -> Proof | None:
    """The proof that a delivery brings, or None when it brings none.

    A signature counts before a bare secret: a delivery that has one is judged by that alone. Several secrets
    are good while one is replaced. `now`: seconds since the epoch.
    """
    keys = [secret.encode() for secret in secrets]
    if _GITHUB in headers:
        macs = [hmac.new(key, digestmod=hashlib.sha256) for key in keys]
        return Proof(macs, [_bytes(headers, _GITHUB)], lambda made: b"sha256=" + made.hex().encode())
    if _STANDARD in headers:
        return _standard(headers, secrets, now)
    if _GITEE in headers:
        return _gitee(headers, keys, now)
    for name in _TOKENS:
        if name in headers:
            same = [hmac.compare_digest(_bytes(headers, name), key) for key in keys]
            return Proof(is_known_good=any(same))
    return None


def delivery_id(headers: Headers) -> str | None:
    """What the host calls this delivery, the same when it sends it again; None where it has no name."""
    return next((f"{name} {headers[name]}" for name in _IDS if headers.get(name)), None)


def _standard(headers: Headers, secrets: Sequence[str], now: float) -> Proof:
    moment = headers.get("webhook-timestamp", "")
    if not _is_near(moment, now, _STANDARD_TOLERANCE):
        return Proof()
    signed = f"{headers.get('webhook-id', '')}.{moment}.".encode("latin-1")
    macs = [hmac.new(_standard_key(secret), signed, hashlib.sha256) for secret in secrets]
    given = _bytes(headers, _STANDARD).split()
    return Proof(macs, given, lambda made: b"v1," + base64.b64encode(made))


def _standard_key(secret: str) -> bytes:
    """The bytes of a signing token such as `whsec_…`, which is base64; of any other secret, itself."""
    if secret.startswith(_KEY_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _gitee(headers: Headers, keys: Sequence[bytes], now: float) -> Proof:
    """Gitee sends a time with a bare password, too; the signature is percent-encoded, or as it is."""
    given, moment = _bytes(headers, _GITEE), headers.get(_GITEE_TIME, "")
    same = [hmac.compare_digest(given, key) for key in keys]
    if _is_near(moment, now, _GITEE_TOLERANCE, per_second=1000):
        for key in keys:
            made = base64.b64encode(hmac.digest(key, moment.encode() + b"\n" + key, "sha256")).decode()
            spellings = {made, quote(made), quote_plus(made)}
            same += [hmac.compare_digest(given, spelling.encode()) for spelling in spellings]
    moment_digest = given + b" " + moment.encode("latin-1") if moment else None
    return Proof(is_known_good=any(same), moment_digest=moment_digest)


def _is_near(moment: str, now: float, tolerance: float, *, per_second: int = 1) -> bool:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 16):  # noqa: PLR2004 - a time in microseconds
        return False
    return abs(int(moment) / per_second - now) <= tolerance


def _bytes(headers: Headers, name: str) -> bytes:
    return headers[name].encode("latin-1")


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
        if proof is None or not (proof.macs or proof.holds()):
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
        """Hashes the body as it comes; an unsigned one is read too, so that its sender gets the answer."""
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
