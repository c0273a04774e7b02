"""Who a request comes from, where credentials are asked for: AK/SK signatures, tokens, and how to get one.

Documented: ± 15 minutes of clock, 24 hours of a token, an access key locked for 5 minutes after 5 failures in
a row, a token good for the one project of its scope. Source of the identity service's calls, which only
registries with credentials have: the vendor's IAM pages.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from reconciler.contract.signing import Refusal, verify
from reconciler.embedded import answers
from reconciler.embedded.answers import IamError, VendorError, answer
from reconciler.embedded.openapi import Login, Scope
from reconciler.embedded.router import ANYBODY, Operation, Principal, hex_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from reconciler.embedded.database import Database
    from reconciler.embedded.router import Call
    from reconciler.embedded.settings import AccountKeys, User

_KEPT_AFTER_EXPIRY = 24 * 3600.0  # seconds; so that an old token is called expired, not unknown


class Authenticator:
    """Admits callers by whichever credentials they bring.

    Which access keys are locked is forgotten at a restart. Tokens are in the database, by their digest.
    """

    def __init__(self, database: Database, credentials: AccountKeys) -> None:
        self._database = database
        self._credentials = credentials
        self._failures: dict[str, tuple[int, float]] = {}

    async def admit(self, request: Request, body: bytes, now: float) -> Principal:
        """Who is calling; the body is signed, too. Raises VendorError when refused."""
        token = request.headers.get("x-auth-token")
        if token:
            return await self._database.read(self._owner, token, now)
        if "authorization" in request.headers:
            return self._signer(request, body, now)
        raise VendorError(answers.NO_TOKEN, "send X-Auth-Token, or sign the request with AK/SK")

    async def issue(self, user: User, project_id: str | None, now: float) -> tuple[str, float]:
        """A new token and when it expires, in seconds since the epoch; older ones stay good."""
        token = f"MII{secrets.token_urlsafe(1536)}"
        expires_at = now + self._credentials.token_lifetime
        await self._database.write(self._keep, token, user, project_id, expires_at, now)
        return token, expires_at

    def user(self, name: str, password: str, domain: str) -> User | None:
        """The user with this name, password and account, or None."""
        for user in self._credentials.users:
            if (user.name, user.domain) == (name, domain) and _same(user.password, password):
                return user
        return None

    def _signer(self, request: Request, body: bytes, now: float) -> Principal:
        """Who signed the request. Raises VendorError when that is not certain."""
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
                answers.BAD_SIGNATURE, "too many failed signatures: the access key is locked for a while"
            )
        if result.refusal is Refusal.CLOCK:
            raise VendorError(answers.BAD_CLOCK, "X-Sdk-Date is too far from the time here: check your clock")
        if key is None or result.refusal is not None:
            self._count(key, result.refusal, now)
            raise VendorError(answers.BAD_SIGNATURE, f"the AK/SK signature does not hold: {result.refusal}")
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
            raise VendorError(answers.BAD_SIGNATURE, "the access key is temporary: send its X-Security-Token")

    def _keep(self, token: str, user: User, project_id: str | None, expires_at: float, now: float) -> None:
        row = (_digest(token), user.name, user.domain, project_id, expires_at)
        connection = self._database.connection
        connection.execute("DELETE FROM tokens WHERE expires_at < ?", (now - _KEPT_AFTER_EXPIRY,))
        connection.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?)", row)

    def _owner(self, token: str, now: float) -> Principal:
        """Who a token was issued to. Raises VendorError when it is unknown or expired."""
        select = "SELECT user_name, domain, project_id, expires_at FROM tokens WHERE digest = ?"
        row = self._database.connection.execute(select, (_digest(token),)).fetchone()
        if row is None:
            raise VendorError(answers.ILLEGAL_TOKEN, "X-Auth-Token is not a token of this registry")
        user_name, domain, project_id, expires_at = row
        if now >= expires_at:
            raise VendorError(answers.EXPIRED_TOKEN, "X-Auth-Token has expired: ask for a new one")
        projects = frozenset() if project_id is None else frozenset({project_id})
        return Principal(hex_id(f"{domain}/{user_name}"), hex_id(domain), projects)


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))


# --- the identity service ------------------------------------------------------------------------------


class TokenQuery(BaseModel):
    """How a token is asked for."""

    nocatalog: str | None = Field(None, description="the catalogue is always empty")


class ProjectsQuery(BaseModel):
    """Which projects are asked for."""

    name: str | None = Field(None, max_length=64)


async def issue_token(call: Call) -> Response:
    """A token for a user's password; it comes in the header `X-Subject-Token`."""
    login = _read_login(call.body).auth
    settings, authenticator = call.parts.settings, call.parts.authenticator
    now = settings.clock()
    claim = login.identity.password.user
    user = authenticator and authenticator.user(
        claim.name, claim.password.get_secret_value(), claim.domain.name or ""
    )
    if authenticator is None or not user or "password" not in login.identity.methods:
        raise IamError(401, "the user name, password or account is wrong")
    project = _project(login.scope, settings.projects)
    token, expires_at = await authenticator.issue(user, project and project[1], now)
    return answer(_described(user, project, now, expires_at), 201, {"X-Subject-Token": token})


async def list_projects(call: Call) -> Response:
    """The projects of the account, all or the one with a name."""
    name, every = call.query.name, call.parts.settings.projects
    if every is None:
        every = {name: hex_id(name)} if name else {}
    projects = [
        {
            "id": project_id,
            "name": project,
            "domain_id": call.caller.domain_id,
            "parent_id": call.caller.domain_id,
            "is_domain": False,
            "enabled": True,
            "description": "",
        }
        for project, project_id in every.items()
        if name in (None, "", project)
    ]
    return answer({"projects": projects, "links": {"self": str(call.request.url)}})


def _read_login(body: bytes) -> Login:
    try:
        return Login.model_validate_json(body)
    except ValidationError as error:
        places = {".".join(str(part) for part in fault["loc"]) or "body" for fault in error.errors()}
        raise IamError(400, f"not a request for a token: see {', '.join(sorted(places))}") from None


def _project(scope: Scope | None, projects: Mapping[str, str] | None) -> tuple[str, str] | None:
    """Name and id of the project asked for; None when the scope is the account."""
    project = scope.project if scope else None
    if project is None:
        return None
    if projects is None:
        name = project.name or project.id or ""
        return name, project.id or hex_id(name)
    for name, project_id in projects.items():
        if project.name == name or (project.name is None and project.id == project_id):
            return name, project_id
    raise IamError(404, "there is no such project")


def _described(
    user: User, project: tuple[str, str] | None, issued_at: float, expires_at: float
) -> dict[str, Any]:
    domain = {"id": hex_id(user.domain), "name": user.domain}
    person = {"id": hex_id(f"{user.domain}/{user.name}"), "name": user.name, "domain": domain}
    scope: dict[str, Any] = {"domain": domain}
    if project is not None:
        scope = {"project": {"name": project[0], "id": project[1], "domain": domain}}
    token: dict[str, Any] = {"methods": ["password"], "user": person, "roles": [], "catalog": []}
    return {"token": token | scope | {"issued_at": _stamp(issued_at), "expires_at": _stamp(expires_at)}}


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


OPERATIONS = [
    Operation(
        "POST",
        "/v3/auth/tokens",
        issue_token,
        "Ask for a token",
        "identity",
        query=TokenQuery,
        body="Login",
        status=201,
        is_guarded=False,
    ),
    Operation("GET", "/v3/projects", list_projects, "List projects", "identity", query=ProjectsQuery),
    Operation(
        "GET",
        "/v3/auth/projects",
        list_projects,
        "List the projects a token may be for",
        "identity",
        query=ProjectsQuery,
    ),
]
