"""Who the client is: flows of requests for AK/SK, ready tokens and IAM logins, as httpx drives them.

Each flow reads its secrets at every request, so that rotation needs no restart; remembers what it sent, so
that a server's message can be cleaned of it; and never sends refused credentials a second time, because the
vendor locks a key after five failed checks in a row. Only an expired token is renewed, once.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from reconciler.contract.signing import sign
from reconciler.engine.clock import utc_now
from reconciler.errors import ConfigurationError, RegistryError, RegistryUnavailable, Rejected, Unauthorised
from reconciler.redaction import redacted, remember
from reconciler.registry.codes import ASK_AGAIN, BROKEN, Action, disposition
from reconciler.registry.cooldown import CredentialCooldown
from reconciler.registry.endpoint import parse_endpoint
from reconciler.registry.exchange import Request, classify, envelope, load, request_id
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import httpx

    from reconciler.secret import Secret


class RegistryAuth:
    """The base of every flow, and by itself the flow of a registry that asks for no credentials.

    Attributes:
        needs_tls: whether the flow sends something over TLS, wherever its requests go.
    """

    needs_tls = False

    def __init__(self) -> None:
        self._sent: deque[str] = deque(maxlen=16)

    def redact(self, text: str) -> str:
        """The text without any secret that was sent or read of late, in whatever spelling."""
        return redacted(text, self._sent)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sends the request as it is."""
        yield request

    async def _read(self, request: httpx.Request, secret: Secret, name: str) -> str:
        try:
            value = await secret.read()
        except ConfigurationError as error:
            raise _unauthorised(request, f"{name}: {error}") from None
        self._remember(value)
        return value

    async def _read_header(self, request: httpx.Request, secret: Secret, name: str) -> str:
        value = (await self._read(request, secret, name)).strip()
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise _unauthorised(
                request, f"{name} has characters that no {name} has: check where it comes from"
            )
        return value

    def _remember(self, value: str) -> None:
        if value not in self._sent:
            self._sent.append(remember(value))


class AccessKeyAuth(RegistryAuth):
    """AK/SK signatures (SDK-HMAC-SHA256), with a security token where the key is a temporary one."""

    def __init__(  # noqa: PLR0913 - what a signature consists of
        self,
        access_key: Secret,
        secret_key: Secret,
        *,
        security_token: Secret | None = None,
        project_id: str | None = None,
        now: Callable[[], datetime] = utc_now,
        cooldown: CredentialCooldown | None = None,
    ) -> None:
        """A flow that signs.

        Args:
            access_key: the AK.
            secret_key: the SK.
            security_token: of a temporary key, sent as `X-Security-Token` and signed.
            project_id: sent as `X-Project-Id` and signed, as project-level services want it.
            now: the time of signing, timezone-aware.
            cooldown: shared with other flows; its own where None.
        """
        super().__init__()
        self._access_key = access_key
        self._secret_key = secret_key
        self._security_token = security_token
        self._project_id = project_id
        self._now = now
        self._cooldown = cooldown or CredentialCooldown()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Signs the request, exactly as it stands on the wire."""
        key = await self._read_header(request, self._access_key, "access key")
        secret = (await self._read(request, self._secret_key, "secret key")).strip()  # no header carries it
        signed = {name: request.headers[name] for name in ("Host", "Content-Type") if name in request.headers}
        if self._project_id is not None:
            signed["X-Project-Id"] = self._project_id
        if self._security_token is not None:
            signed["X-Security-Token"] = await self._read_header(
                request, self._security_token, "security token"
            )
        target = request.url.raw_path.decode("ascii")
        async with self._cooldown.trial(request, key, secret, signed.get("X-Security-Token", "")) as judge:
            proof = sign(
                request.method, target, signed, request.content, key=key, secret=secret, at=self._now()
            )
            request.headers.update(signed | proof)
            response = yield request
            if not response.is_server_error:  # which says nothing about who asks
                judge(response.status_code == HTTPStatus.UNAUTHORIZED)


class TokenAuth(RegistryAuth):
    """A ready token, sent as `X-Auth-Token`; its provider renews it."""

    def __init__(self, token: Secret) -> None:
        super().__init__()
        self._token = token

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sends the request with the token of this moment."""
        request.headers["X-Auth-Token"] = await self._read_header(request, self._token, "token")
        yield request


_LOGIN = Request("POST", "/v3/auth/tokens")
_PROJECT_ID = re.compile(r"[0-9a-f]{32}")
_DAY = 24 * 3600.0
_MARGIN = 600.0  # seconds before its end at which a token is renewed; a fifth of its life if that is less


@dataclass(frozen=True, slots=True)
class _Token:
    """A token of this process; from `renew_at` on its own clock it is not used any more."""

    value: str = field(repr=False)
    renew_at: float


class PasswordAuth(RegistryAuth):
    """IAM logins: one token for all requests, renewed ahead of its end and once when called expired."""

    def __init__(  # noqa: PLR0913 - what a login consists of
        self,
        iam_endpoint: str,
        username: str,
        password: Secret,
        *,
        domain: str,
        scope: str,
        clock: Callable[[], float] = time.monotonic,
        cooldown: CredentialCooldown | None = None,
    ) -> None:
        """A flow that is not logged in yet.

        Args:
            iam_endpoint: `https://iam.<region>.<domain>`.
            username: an IAM user; an account of type HUAWEI ID cannot log in this way.
            password: that user's.
            domain: the account that the user belongs to.
            scope: the project's name (a region's, such as `cn-north-4`) or its id of 32 hex digits.
            clock: seconds that only ever grow.
            cooldown: shared with other flows; its own where None.

        Raises:
            ConfigurationError: the endpoint is not usable.
        """
        super().__init__()
        self._endpoint = parse_endpoint(iam_endpoint, "iam_endpoint")
        self.needs_tls = self._endpoint.scheme == "https"
        self._username = username
        self._domain = domain
        self._scope = scope
        self._password = password
        self._clock = clock
        self._token: _Token | None = None
        self._one_login = asyncio.Lock()
        self._cooldown = cooldown or CredentialCooldown(clock)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sends the request with a token, after a login where there is none; renews an expired one once."""
        stale: _Token | None = None
        for last in (False, True):
            async with self._one_login:
                if not self._fresh(stale):
                    password = await self._read(request, self._password, "password")
                    login = self._login_request(password)
                    login.extensions["timeout"] = request.extensions.get("timeout", {})
                    self._token = None
                    async with self._cooldown.trial(login, self._username, password) as judge:
                        response = yield login
                        await response.aread()
                        self._token = self._accept(response, judge)
                token = self._token
            request.headers["X-Auth-Token"] = token.value if token else ""
            response = yield request
            if response.status_code != HTTPStatus.UNAUTHORIZED:
                return
            await response.aread()
            stale = token
            if last or not _expired(response):
                break
        if self._token is stale:
            self._token = None

    def _fresh(self, stale: _Token | None) -> bool:
        token = self._token
        return token is not None and token is not stale and self._clock() < token.renew_at

    def _login_request(self, password: str) -> httpx.Request:
        """The login call, without the service catalogue, which would only make the answer longer."""
        import httpx  # noqa: PLC0415 - slow

        by = "id" if _PROJECT_ID.fullmatch(self._scope) else "name"
        user = {"name": self._username, "password": password, "domain": {"name": self._domain}}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {by: self._scope}},
            }
        }
        headers = {"Content-Type": "application/json;charset=utf8", "Accept-Encoding": "identity"}
        url = f"{str(self._endpoint).rstrip('/')}{_LOGIN.path}?nocatalog=1"
        return httpx.Request("POST", url, headers=headers, content=json.dumps(body).encode())

    def _accept(self, response: httpx.Response, judge: Callable[[bool], None]) -> _Token:
        """The token of a login's answer.

        Raises:
            Unauthorised: the login is refused.
            RegistryUnavailable: IAM could not answer.
            RegistryError: this is not IAM.
        """
        if not response.is_success:
            error = self._refused(response)
            if isinstance(error, Unauthorised):
                judge(True)
            raise error
        value = response.headers.get("X-Subject-Token", "")
        if not value.strip() or not (value.isascii() and value.isprintable()):
            raise _LOGIN.error(
                RegistryError,
                "the login's answer has no usable X-Subject-Token: check iam_endpoint",
                status=response.status_code,
                request_id=request_id(response.headers, redact=self.redact),
            )
        judge(False)
        self._remember(value)
        life = _life(response.content)
        return _Token(value, self._clock() + life - min(_MARGIN, life / 5))

    def _refused(self, response: httpx.Response) -> RegistryError:
        answer = response.status_code, response.headers, response.content
        error = classify(_LOGIN, *answer, redact=self.redact)
        kind: type[RegistryError] = type(error)
        if isinstance(error, (Rejected, Unauthorised)):
            kind = Unauthorised
            message = (
                f"IAM refuses the login of user {self._username!r} of {self._domain!r} for {self._scope!r}: "
                "check username, password, domain and scope; an IAM user can log in here, a HUAWEI ID cannot"
            )
        else:
            rule, said = (
                disposition(response.status_code, error.code),
                envelope(response.content, self.redact),
            )
            remedy = ASK_AGAIN if kind is RegistryUnavailable else "check iam_endpoint of the target"
            parts = [f"the IAM login failed: {'IAM failed' if rule is BROKEN else rule.meaning}"]
            parts += [f"IAM says: {said.message}"] if said.message else []
            message = "; ".join([*parts, remedy])
        return _LOGIN.error(
            kind,
            message,
            status=error.status,
            code=error.code,
            request_id=error.request_id,
            retry_after=error.retry_after,
        )


def is_login(request: httpx.Request) -> bool:
    """Whether a request is a login, which goes to IAM and not to the registry."""
    return request.method == _LOGIN.method and request.url.path.endswith(_LOGIN.path)


def _expired(response: httpx.Response) -> bool:
    code = envelope(response.content).code
    return disposition(response.status_code, code).action is Action.RENEW


def _unauthorised(request: httpx.Request, message: str) -> Unauthorised:
    return Unauthorised(message, method=request.method, path=request.url.path)


def _life(body: bytes) -> float:
    """Seconds from a token's issue to its end, by the server's own clock; a day where it does not say."""
    try:
        token = load(body)["token"]
        ends = read_time(token["expires_at"], UTC)
        issued = read_time(token["issued_at"], UTC) if token.get("issued_at") else utc_now()
    except (ValueError, KeyError, TypeError, AttributeError):
        return _DAY
    return max((ends - issued).total_seconds(), 1.0)
