"""Who a request comes from, and whether that is let in: AK/SK signatures, tokens, and the lock of a key.

Documented: ± 15 minutes of clock, 24 hours of a token, an access key locked for 5 minutes after 5 failures in
a row, a token good for the one project of its scope.
"""

from __future__ import annotations

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import NAMESPACE_DNS, uuid5

from reconciler.contract.signing import Refusal, verify
from reconciler.embedded.answers import (
    BAD_CLOCK,
    BAD_SIGNATURE,
    EXPIRED_TOKEN,
    ILLEGAL_TOKEN,
    NO_SUCH_PROJECT,
    NO_TOKEN,
    OTHER_PROJECT,
    TOKEN_WITHOUT_PROJECT,
    TOO_LARGE,
    VendorError,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from reconciler.contract import Edition
    from reconciler.embedded.database import Database
    from reconciler.embedded.settings import AccountKeys, EmbeddedSettings, User
    from reconciler.embedded.store import Store

_KEPT_AFTER_EXPIRY = 24 * 3600.0  # seconds; so that an old token is called expired, not unknown


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling.

    Attributes:
        user_id, domain_id: 32 hex digits, as the vendor's ids.
        projects: ids of the projects the credentials are good for (none for a token whose scope is the
            account); None for all.
    """

    user_id: str
    domain_id: str
    projects: frozenset[str] | None = None


def hex_id(text: str) -> str:
    """An id for a name: 32 hex digits, always the same."""
    return uuid5(NAMESPACE_DNS, text).hex


ANYBODY = Principal(user_id=hex_id("user"), domain_id=hex_id("domain"))


class Keys:
    """Access keys, and which of them are locked."""

    def __init__(self, credentials: AccountKeys) -> None:
        self._credentials = credentials
        self._failures: dict[str, tuple[int, float]] = {}

    def admit(self, request: Request, body: bytes, now: float) -> Principal:
        """Who signed the request. Raises VendorError when nobody can be sure."""
        query = request.scope["query_string"]
        target = request.scope["raw_path"] + (b"?" + query if query else b"")
        result = verify(
            request.method,
            target.decode("latin-1"),
            request.headers,
            body,
            secret_of=self._credentials.access_keys.get,
            now=datetime.fromtimestamp(now, UTC),
            window=timedelta(seconds=self._credentials.clock_window),
        )
        key = result.access_key
        if key is not None and self._locked(key, now):
            raise VendorError(
                BAD_SIGNATURE, "too many failed signatures: the access key is locked for a while"
            )
        if result.refusal is Refusal.CLOCK:
            raise VendorError(BAD_CLOCK, "X-Sdk-Date is too far from the time here: check your clock")
        if key is None or result.refusal is not None:
            self._count(key, result.refusal, now)
            raise VendorError(BAD_SIGNATURE, f"the AK/SK signature does not hold: {result.refusal}")
        self._failures.pop(key, None)
        self._check_security_token(key, request)
        return Principal(hex_id(key), ANYBODY.domain_id)

    def _locked(self, key: str, now: float) -> bool:
        failures, last = self._failures.get(key, (0, 0.0))
        if failures and now - last >= self._credentials.lockout_seconds:
            del self._failures[key]
            return False
        return failures >= self._credentials.lockout_after

    def _count(self, key: str | None, refusal: Refusal | None, now: float) -> None:
        if key is not None and refusal is Refusal.MISMATCH:
            failures, _ = self._failures.get(key, (0, 0.0))
            self._failures[key] = (failures + 1, now)

    def _check_security_token(self, key: str, request: Request) -> None:
        token = self._credentials.security_tokens.get(key)
        if token is not None and not _same(request.headers.get("x-security-token", ""), token):
            raise VendorError(BAD_SIGNATURE, "the access key is temporary: send its X-Security-Token")


class Tokens:
    """Tokens in the database, by their digest; they survive a restart. Runs in the database's thread."""

    def __init__(self, database: Database, lifetime: float) -> None:
        self._database = database
        self._lifetime = lifetime

    def issue(self, user: User, project_id: str | None, now: float) -> tuple[str, float]:
        """A new token and when it expires, in seconds since the epoch; older ones stay good."""
        token = f"MII{secrets.token_urlsafe(1536)}"
        expires_at = now + self._lifetime
        row = (_digest(token), user.name, user.domain, project_id, expires_at)
        connection = self._database.connection
        connection.execute("DELETE FROM tokens WHERE expires_at < ?", (now - _KEPT_AFTER_EXPIRY,))
        connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row)
        return token, expires_at

    def admit(self, token: str, now: float) -> Principal:
        """Who a token was issued to. Raises VendorError when it is unknown or expired."""
        select = "SELECT user_name, domain, project_id, expires_at FROM tokens WHERE digest = ?"
        row = self._database.connection.execute(select, (_digest(token),)).fetchone()
        if row is None:
            raise VendorError(ILLEGAL_TOKEN, "X-Auth-Token is not a token of this registry")
        user_name, domain, project_id, expires_at = row
        if now >= expires_at:
            raise VendorError(EXPIRED_TOKEN, "X-Auth-Token has expired: ask for a new one")
        projects = frozenset() if project_id is None else frozenset({project_id})
        return Principal(hex_id(f"{domain}/{user_name}"), hex_id(domain), projects)


class Authenticator:
    """Admits callers by whichever credentials they bring."""

    def __init__(self, database: Database, credentials: AccountKeys) -> None:
        self._database = database
        self._credentials = credentials
        self._keys = Keys(credentials)
        self._tokens = Tokens(database, credentials.token_lifetime)

    async def admit(self, request: Request, body: bytes, now: float) -> Principal:
        """Who is calling; the body is signed, too. Raises VendorError when refused."""
        token = request.headers.get("x-auth-token")
        if token:
            return await self._database.read(self._tokens.admit, token, now)
        if "authorization" in request.headers:
            return self._keys.admit(request, body, now)
        raise VendorError(NO_TOKEN, "send X-Auth-Token, or sign the request with AK/SK")

    async def issue(self, user: User, project_id: str | None, now: float) -> tuple[str, float]:
        """A new token for a user, and when it expires, in seconds since the epoch."""
        return await self._database.write(self._tokens.issue, user, project_id, now)

    def user(self, name: str, password: str, domain: str) -> User | None:
        """The user with this name, password and account, or None."""
        for user in self._credentials.users:
            if (user.name, user.domain) == (name, domain) and _same(user.password, password):
                return user
        return None


def _check_project(caller: Principal, project_id: str) -> None:
    """Raises VendorError when the caller's credentials are not good for the project."""
    if caller.projects is None or project_id in caller.projects:
        return
    if not caller.projects:
        raise VendorError(TOKEN_WITHOUT_PROJECT, "the token's scope is the account: ask for one of a project")
    raise VendorError(OTHER_PROJECT, f"the token is not for project {project_id}")


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


BODY_LIMIT = 12 * 1024 * 1024  # bytes, as documented
PROJECT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")

_DRAINED = 4 * BODY_LIMIT  # read and thrown away at most, so that a client that is still sending gets its 413


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of.

    Attributes:
        rules: the edition.
        authenticator: None when everybody is let in.
    """

    settings: EmbeddedSettings
    rules: Edition
    database: Database
    store: Store
    authenticator: Authenticator | None

    def milliseconds(self) -> int:
        """The time on the registry's clock, since the epoch."""
        return int(self.settings.clock() * 1000)


async def admit(parts: Parts, request: Request, body: bytes) -> Principal:
    """Who is calling. Raises VendorError when refused."""
    if parts.authenticator is None:
        return ANYBODY
    return await parts.authenticator.admit(request, body, parts.settings.clock())


def require_project(parts: Parts, caller: Principal, project_id: str) -> None:
    """Raises VendorError when there is no such project, or the caller may not use it."""
    projects = parts.settings.projects
    unknown = projects is not None and project_id not in projects.values()
    if unknown or not PROJECT_ID.fullmatch(project_id):
        raise VendorError(NO_SUCH_PROJECT, f"project_id {project_id}: there is no such project here")
    _check_project(caller, project_id)


async def read_body(request: Request) -> bytes:
    """The whole body. Raises VendorError when it is over the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= BODY_LIMIT:
            chunks.append(chunk)
        else:
            chunks.clear()
        if size > _DRAINED:
            break
    if size > BODY_LIMIT:
        raise VendorError(TOO_LARGE, f"the body is over {BODY_LIMIT} bytes")
    return b"".join(chunks)
