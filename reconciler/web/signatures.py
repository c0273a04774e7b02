"""How git hosts prove who sent a delivery; each as the host documents it.

| host | header | proof |
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

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.datastructures import Headers

_GITHUB, _STANDARD = "x-hub-signature-256", "webhook-signature"
_GITEE, _GITEE_TIME = "x-gitee-token", "x-gitee-timestamp"
_TOKENS = ("x-gitlab-token", "x-repo-token")
_IDS = ("x-github-delivery", "x-gitea-delivery", "webhook-id", "idempotency-key")
_STANDARD_TOLERANCE = 5 * 60.0  # seconds; the specification's own libraries take as much
_GITEE_TOLERANCE = 3600.0  # seconds; as Gitee documents it
_KEY_PREFIX = "whsec_"


class Proof:
    """Whether a delivery was sent by whoever knows a secret; fed with the body, piece by piece.

    Attributes:
        needs_body: without that, the answer is known at once.
        moment_digest: stands for a signed time, where the host names no delivery; None otherwise.
    """

    def __init__(
        self,
        macs: Sequence[hmac.HMAC],
        given: Sequence[bytes],
        written: Callable[[bytes], bytes],
        *,
        holds: bool = False,
        moment_digest: bytes | None = None,
    ) -> None:
        self.needs_body = bool(macs)
        self.moment_digest = moment_digest
        self._macs = macs
        self._given = given
        self._written = written
        self._holds = holds

    def update(self, piece: bytes) -> None:
        """Takes the next piece of the body; none of it is kept."""
        for mac in self._macs:
            mac.update(piece)

    def holds(self) -> bool:
        """Whether the proof is good; compared in constant time."""
        made = [self._written(mac.digest()) for mac in self._macs]
        same = [hmac.compare_digest(one, other) for one in made for other in self._given]
        return self._holds or any(same)


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
            return _decided(any([hmac.compare_digest(_bytes(headers, name), key) for key in keys]))  # noqa: C419
    return None


def delivery_id(headers: Headers) -> str | None:
    """What the host calls this delivery, the same when it sends it again; None where it has no name."""
    return next((f"{name} {headers[name]}" for name in _IDS if headers.get(name)), None)


def _standard(headers: Headers, secrets: Sequence[str], now: float) -> Proof:
    moment = headers.get("webhook-timestamp", "")
    if not _is_near(moment, now, _STANDARD_TOLERANCE):
        return _decided(False)
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
    return _decided(any(same), given + b" " + moment.encode("latin-1") if moment else None)


def _decided(holds: bool, moment_digest: bytes | None = None) -> Proof:
    return Proof((), (), bytes, holds=holds, moment_digest=moment_digest)


def _is_near(moment: str, now: float, tolerance: float, *, per_second: int = 1) -> bool:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= 16):  # noqa: PLR2004 - a time in microseconds
        return False
    return abs(int(moment) / per_second - now) <= tolerance


def _bytes(headers: Headers, name: str) -> bytes:
    return headers[name].encode("latin-1")
