r"""SDK-HMAC-SHA256, the vendor's AK/SK request signature: pure, both halves.

In comes a request as it stands on the wire (method, raw path and query, headers, body bytes); out
come the two headers that prove who sent it, or whether such a proof holds. No clock, no network, standard
library only.

    CanonicalRequest = METHOD \n path/ \n query \n headers \n\n names \n hex(sha256(body))
    StringToSign     = SDK-HMAC-SHA256 \n X-Sdk-Date \n hex(sha256(CanonicalRequest))
    Signature        = hex(HMAC-SHA256(secret, StringToSign))

Where the vendor's prose and the vendor's own SDK differ, the SDK is followed, since real gateways accept it:
query parameters are sorted before they are percent-encoded, and a path is decoded before it is split.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ALGORITHM = "SDK-HMAC-SHA256"
DATE_HEADER = "X-Sdk-Date"
CLOCK_WINDOW = timedelta(minutes=15)

_DATE_FORMAT = "%Y%m%dT%H%M%SZ"
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Access=(?P<key>[!-+\--~]+), *SignedHeaders=(?P<names>[!-+\--~]+), *"
    r"Signature=(?P<hex>[0-9a-f]{64})"
)


class Refusal(StrEnum):
    """Why a request's signature does not hold."""

    MISSING = "missing"  # no Authorization header, or one of another scheme
    MALFORMED = "malformed"  # cannot be read, or does not sign the date, or signs a header that is not there
    CLOCK = "clock"  # the date is outside the window
    UNKNOWN_KEY = "unknown-key"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found.

    Attributes:
        access_key: the key the request claims, once it could be read; claimed only, unless `refusal` is None.
        refusal: None when the signature holds.
    """

    access_key: str | None = None
    refusal: Refusal | None = None


def encode_query(parameters: Iterable[tuple[str, str]]) -> str:
    """A query string in canonical form, so that what is sent is what is signed.

    Sorted by name, then value; UTF-8 percent-encoded but for `A-Za-z0-9-_.~`; a blank is `%20`, an empty
    value `name=`.
    """
    return _encode_pairs((_bytes(name), _bytes(value)) for name, value in parameters)


def canonical_query(query: str) -> str:
    """The canonical form of a raw query string (without `?`)."""
    parts = (part.partition("=") for part in query.split("&") if part)
    return _encode_pairs(
        (unquote_to_bytes(_bytes(name)), unquote_to_bytes(_bytes(value))) for name, _, value in parts
    )


def canonical_path(path: str) -> str:
    """The canonical form of a raw path: decoded, encoded again, and always ending with `/`."""
    encoded = quote(unquote_to_bytes(_bytes(path)), safe="/~")
    return encoded if encoded.endswith("/") else f"{encoded}/"


def canonical_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """The text whose hash is signed; every one of `headers` becomes part of it.

    `target` is the raw path with an optional `?query`, as on the request line; `body` exactly what is sent.
    """
    path, _, query = target.partition("?")
    signed = sorted((name.lower(), value.strip()) for name, value in headers.items())
    lines = [method.upper(), canonical_path(path), canonical_query(query)]
    lines += [f"{name}:{value}" for name, value in signed]
    lines += ["", ";".join(name for name, _ in signed), sha256(body).hexdigest()]
    return "\n".join(lines)


def sign(  # noqa: PLR0913 - a request, its signer and a time
    method: str, target: str, headers: Mapping[str, str], body: bytes, *, key: str, secret: str, at: datetime
) -> dict[str, str]:
    """Signs one request; gives the headers to add: `X-Sdk-Date` and `Authorization`.

    `headers` are those to sign, which must reach the server unchanged: `Host` always, and where they are sent
    `Content-Type`, `X-Project-Id` and `X-Security-Token`. The date is added. Names that contain `_` are not
    signed, as in the vendor's SDK, because proxies drop them. The gateway accepts ± 15 minutes around `at`.

    Raises:
        ValueError: `at` has no time zone.
    """
    if at.tzinfo is None:
        raise ValueError("the time of signing must have a time zone")
    date = at.astimezone(UTC).strftime(_DATE_FORMAT)
    left_out = {"authorization", DATE_HEADER.lower()}
    signed = {
        name: value for name, value in headers.items() if "_" not in name and name.lower() not in left_out
    }
    signed[DATE_HEADER] = date
    signature = _signature(canonical_request(method, target, signed, body), date, secret)
    names = ";".join(sorted(name.lower() for name in signed))
    return {
        DATE_HEADER: date,
        "Authorization": f"{ALGORITHM} Access={key}, SignedHeaders={names}, Signature={signature}",
    }


def verify(  # noqa: PLR0913 - a request, its judge and a time
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    secret_of: Callable[[str], str | None],
    now: datetime,
    window: timedelta = CLOCK_WINDOW,
) -> Verification:
    """Whether a request was signed by whom it claims, as a server must ask it; never raises for bad input.

    `target` is the raw path and query of the request line, never re-assembled from parsed ones; `headers` are
    all that were received. The request's date may be off `now`, timezone-aware, by `window` either way.
    """
    received = {name.lower(): value for name, value in headers.items()}
    authorization = received.get("authorization", "").strip()
    if not authorization.startswith(f"{ALGORITHM} "):
        return Verification(refusal=Refusal.MISSING)
    claim = _AUTHORIZATION.fullmatch(authorization)
    if claim is None:
        return Verification(refusal=Refusal.MALFORMED)
    key, names = claim["key"], set(claim["names"].lower().split(";"))
    date = received.get(DATE_HEADER.lower(), "").strip()
    at = _parse_date(date)
    if at is None or DATE_HEADER.lower() not in names or not names <= received.keys():
        return Verification(key, Refusal.MALFORMED)
    if abs(now - at) > window:
        return Verification(key, Refusal.CLOCK)
    secret = secret_of(key)
    if secret is None:
        return Verification(key, Refusal.UNKNOWN_KEY)
    canonical = canonical_request(method, target, {name: received[name] for name in names}, body)
    holds = hmac.compare_digest(_signature(canonical, date, secret), claim["hex"])
    return Verification(key, None if holds else Refusal.MISMATCH)


def _signature(canonical: str, date: str, secret: str) -> str:
    to_sign = f"{ALGORITHM}\n{date}\n{sha256(_bytes(canonical)).hexdigest()}"
    return hmac.new(_bytes(secret), _bytes(to_sign), sha256).hexdigest()


def _encode_pairs(pairs: Iterable[tuple[bytes, bytes]]) -> str:
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(pairs))


def _parse_date(text: str) -> datetime | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, _DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:  # such as a 13th month
        return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
