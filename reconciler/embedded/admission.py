"""Before a call is answered: its body within the limit, who sent it, and whether that is let in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.embedded.access import ANYBODY, Authenticator, Principal, check_project
from reconciler.embedded.answers import NO_SUCH_PROJECT, TOO_LARGE, VendorError

if TYPE_CHECKING:
    from starlette.requests import Request

    from reconciler.contract import Edition
    from reconciler.embedded.database import Database
    from reconciler.embedded.settings import EmbeddedSettings
    from reconciler.embedded.store import Store

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
    check_project(caller, project_id)


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
