"""The identity service's side: tokens for a password, and the projects they can be for.

Source: the vendor's IAM pages. Only registries with credentials have these routes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from reconciler.embedded import schemas
from reconciler.embedded.access import hex_id
from reconciler.embedded.answers import IamError, answer
from reconciler.embedded.router import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from reconciler.embedded.router import Call
    from reconciler.embedded.settings import User


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


def _read_login(body: bytes) -> schemas.Login:
    try:
        return schemas.Login.model_validate_json(body)
    except ValidationError as error:
        places = {".".join(str(part) for part in fault["loc"]) or "body" for fault in error.errors()}
        raise IamError(400, f"not a request for a token: see {', '.join(sorted(places))}") from None


def _project(scope: schemas.Scope | None, projects: Mapping[str, str] | None) -> tuple[str, str] | None:
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
