"""From a request to its answer: the operations of the API, and finding the one that is meant.

Each operation is one value: the router reads its way and `documentation` its description.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request

from reconciler.embedded.access import ANYBODY, admit, read_body, require_project
from reconciler.embedded.answers import (
    NO_SUCH_API,
    Code,
    IamError,
    VendorError,
    error_answer,
    iam_refusal,
    refusal,
    unfit,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from pydantic import BaseModel
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from reconciler.embedded.access import Parts, Principal


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
        shape: the name of the answer's shape in `schemas`.
        is_guarded: whether whoever calls needs credentials, where there are any.
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

    def __init__(self, parts: Parts, operations: Sequence[Operation]) -> None:
        self._parts = parts
        self._operations = [(tuple(one.path.split("/")), one) for one in operations]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except (VendorError, sqlite3.Error) as error:
            response = error_answer(error, request.state.request_id)
        except IamError as error:
            response = iam_refusal(error, request.state.request_id)
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
        body = await read_body(request)
        caller = await admit(self._parts, request, body) if operation.is_guarded else ANYBODY
        if "project_id" in path:
            require_project(self._parts, caller, path["project_id"])
        try:
            query = operation.query and operation.query.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise unfit(error.errors()) from None
        return await operation.answer(Call(self._parts, request, body, caller, path, query))


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
    response = refusal(VendorError(Code(status, NO_SUCH_API.code), words), request.state.request_id)
    if allowed:
        response.headers["Allow"] = ", ".join(dict.fromkeys(allowed))
    return response
