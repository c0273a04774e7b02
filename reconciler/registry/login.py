"""The IAM login, as a request and as an answer; who sends it is not known here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.errors import RegistryError, RegistryUnavailable, Rejected, Unauthorised
from reconciler.registry.codes import ASK_AGAIN, BROKEN, disposition
from reconciler.registry.request import Request
from reconciler.registry.response import classify, envelope, load, request_id

if TYPE_CHECKING:
    import httpx

    from reconciler.registry.response import Redact

_CALL = Request("POST", "/v3/auth/tokens")
_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
_DAY = 24 * 3600.0
_MARGIN = 600.0  # seconds before its end at which a token is renewed; a fifth of its life if that is less


@dataclass(frozen=True, slots=True)
class Token:
    """A token of this process.

    Attributes:
        value: the token itself; not part of any representation.
        renew_at: time of the process's own clock from which it is not used any more.
    """

    value: str = field(repr=False)
    renew_at: float


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in where; the password comes at the moment of use."""

    endpoint: httpx.URL
    username: str
    domain: str
    scope: str

    def request(self, password: str) -> httpx.Request:
        """The login call, without the service catalogue, which would only make the answer longer."""
        import httpx  # noqa: PLC0415 - slow

        by = "id" if _PROJECT_ID.fullmatch(self.scope) else "name"
        user = {"name": self.username, "password": password, "domain": {"name": self.domain}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {by: self.scope}},
            }
        }
        headers = {"Content-Type": "application/json;charset=utf8", "Accept-Encoding": "identity"}
        url = f"{str(self.endpoint).rstrip('/')}{_CALL.path}?nocatalog=1"
        return httpx.Request("POST", url, headers=headers, content=json.dumps(body).encode())

    def token(self, response: httpx.Response, clock: float, redact: Redact) -> Token:
        """The token of a login's answer, which was read at this moment of the process's own clock.

        Raises:
            Unauthorised: the login is refused.
            RegistryUnavailable: IAM could not answer.
            RegistryError: this is not IAM.
        """
        if not response.is_success:
            raise self._refused(response, redact)
        value = response.headers.get("X-Subject-Token", "")
        if not value.strip() or not (value.isascii() and value.isprintable()):
            raise _CALL.error(
                RegistryError,
                "the login's answer has no usable X-Subject-Token: check iam_endpoint",
                status=response.status_code,
                request_id=request_id(response.headers, redact=redact),
            )
        life = _life(response.content)
        return Token(value, renew_at=clock + life - min(_MARGIN, life / 5))

    def _refused(self, response: httpx.Response, redact: Redact) -> RegistryError:
        answer = response.status_code, response.headers, response.content
        error = classify(_CALL, *answer, redact=redact)
        kind: type[RegistryError] = type(error)
        if isinstance(error, (Rejected, Unauthorised)):
            kind = Unauthorised
            message = (
                f"IAM refuses the login of user {self.username!r} of {self.domain!r} for {self.scope!r}: "
                "check username, password, domain and scope; an IAM user can log in here, a HUAWEI ID cannot"
            )
        else:
            rule, said = disposition(response.status_code, error.code), envelope(response.content, redact)
            remedy = ASK_AGAIN if kind is RegistryUnavailable else "check iam_endpoint of the target"
            parts = [f"the IAM login failed: {'IAM failed' if rule is BROKEN else rule.meaning}"]
            parts += [f"IAM says: {said.message}"] if said.message else []
            message = "; ".join([*parts, remedy])
        return _CALL.error(
            kind,
            message,
            status=error.status,
            code=error.code,
            request_id=error.request_id,
            retry_after=error.retry_after,
        )


def is_login(request: httpx.Request) -> bool:
    """Whether a request is a login, which goes to IAM and not to the registry."""
    return request.method == _CALL.method and request.url.path.endswith(_CALL.path)


def _life(body: bytes) -> float:
    """Seconds from a token's issue to its end, by the server's own clock; a day where it does not say."""
    try:
        token = load(body)["token"]
        ends = _moment(token["expires_at"])
        issued = _moment(token["issued_at"]) if token.get("issued_at") else datetime.now(UTC)
    except (ValueError, KeyError, TypeError, AttributeError):
        return _DAY
    return max((ends - issued).total_seconds(), 1.0)


def _moment(text: Any) -> datetime:  # noqa: ANN401 - what a server wrote
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
