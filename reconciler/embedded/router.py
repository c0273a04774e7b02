"""From a request to its answer: the operations of the API, finding the one that is meant, and who asks.

Each operation is one value: the router reads its way and `openapi` its description.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_DNS, uuid5

from pydantic import ValidationError
from starlette.requests import Request

from reconciler.embedded import answers
from reconciler.embedded.answers import Code, IamError, VendorError, error_answer, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from pydantic import BaseModel
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from reconciler.contract import Edition
    from reconciler.embedded.access import Authenticator
    from reconciler.embedded.database import Database
    from reconciler.embedded.settings import EmbeddedSettings
    from reconciler.embedded.store import Store


PROJECT_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")

_BODY_LIMIT = 12 * 1024 * 1024  # bytes, as documented
_DRAINED = 4 * _BODY_LIMIT  # at most, and thrown away, so that a client that is still sending gets its 413


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


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of.

    Attributes:
        rules: the edition.
        operations: what it answers to.
        authenticator: None when everybody is let in.
    """

    settings: EmbeddedSettings
    rules: Edition
    database: Database
    store: Store
    operations: Sequence[Operation]
    authenticator: Authenticator | None

    def milliseconds(self) -> int:
        """The time on the registry's clock, since the epoch."""
        return int(self.settings.clock() * 1000)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, once it is known what it asks for and who may ask.

    Attributes:
        path: what stands in the places of the operation's path, by name.
        query: the parameters, as the operation wants them.
    """

    parts: Parts
    request: Request
    body: bytes
    caller: Principal
    path: Mapping[str, str]
    query: Any

    @property
    def request_id(self) -> str:
        """The id that the answer carries."""
        request_id: str = self.request.state.request_id
        return request_id


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API.

    Attributes:
        path: with names in braces for parts of any text.
        answer: gives the answer, or raises VendorError or IamError; its docstring is the description.
        summary: of the description; None leaves the operation out of it.
        query: what the parameters are; None takes none.
        body: the name that the request's body has in the description.
        shape: the name of the answer's shape in `openapi`.
        is_guarded: whether a caller needs credentials, where there are any.
    """

    method: str
    path: str
    answer: Callable[[Call], Awaitable[Response]]
    summary: str | None = None
    tag: str = "models"
    query: type[BaseModel] | None = None
    body: str | None = None
    shape: str | None = None
    status: int = 200
    is_guarded: bool = True


class Router:
    """The ASGI application that answers by the first operation that fits."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._operations = [(tuple(one.path.split("/")), one) for one in parts.operations]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except (VendorError, IamError, sqlite3.Error) as error:
            response = error_answer(error, request.state.request_id)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path_here = request.scope["path"].removeprefix(request.scope.get("root_path", ""))  # below a mount
        parts, allowed = tuple(path_here.split("/")), []
        for template, operation in self._operations:
            path = _values(template, parts)
            if path is not None and operation.method == request.method:
                return await self._carried_out(operation, request, path)
            allowed += [operation.method] if path is not None else []
        return _nowhere(request, allowed)

    async def _carried_out(self, operation: Operation, request: Request, path: Mapping[str, str]) -> Response:
        body = await _read_body(request)
        caller, authenticator = ANYBODY, self._parts.authenticator
        if authenticator and operation.is_guarded:
            caller = await authenticator.admit(request, body, self._parts.settings.clock())
        if "project_id" in path:
            _check_project(self._parts.settings, caller, path["project_id"])
        try:
            query = operation.query and operation.query.model_validate(dict(request.query_params))
        except ValidationError as error:
            faults = "; ".join(f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors())
            raise VendorError(answers.BAD_VALUES, faults) from None
        return await operation.answer(Call(self._parts, request, body, caller, path, query))


async def _read_body(request: Request) -> bytes:
    """The whole body. Raises VendorError when it is over the limit."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= _BODY_LIMIT:
            chunks.append(chunk)
        else:
            chunks.clear()
        if size > _DRAINED:
            break
    if size > _BODY_LIMIT:
        raise VendorError(answers.TOO_LARGE, f"the body is over {_BODY_LIMIT} bytes")
    return b"".join(chunks)


def _check_project(settings: EmbeddedSettings, caller: Principal, project_id: str) -> None:
    """Raises VendorError when there is no such project, or the caller may not use it."""
    unknown = settings.projects is not None and project_id not in settings.projects.values()
    if unknown or not PROJECT_ID.fullmatch(project_id):
        raise VendorError(answers.NO_SUCH_PROJECT, f"project_id {project_id}: there is no such project here")
    if caller.projects is None or project_id in caller.projects:
        return
    if not caller.projects:
        raise VendorError(
            answers.TOKEN_WITHOUT_PROJECT, "the token's scope is the account: ask for one of a project"
        )
    raise VendorError(answers.OTHER_PROJECT, f"the token is not for project {project_id}")


def _values(template: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    """What stands in the places of a path; None where it is another path."""
    if len(template) != len(parts):
        return None
    values = {}
    for word, part in zip(template, parts, strict=True):
        if word.startswith("{") and part:
            values[word[1:-1]] = part
        elif word != part:
            return None
    return values


def _nowhere(request: Request, allowed: Sequence[str]) -> Response:
    status = HTTPStatus.METHOD_NOT_ALLOWED if allowed else HTTPStatus.NOT_FOUND
    words = f"{request.method} {request.url.path}: {status.phrase.lower()}"
    response = refusal(VendorError(Code(status, answers.NO_SUCH_API.code), words), request.state.request_id)
    if allowed:
        response.headers["Allow"] = ", ".join(dict.fromkeys(allowed))
    return response
