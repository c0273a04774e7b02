"""The calls that reconcilers make by the thousand: importing a model, listing models, showing one.

They are answered here, past the web framework: it would take longer to find its way to them than they take,
and a program with a registry inside would load it for nothing. `routes` describes them for the framework's
OpenAPI document.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from pydantic import ValidationError
from starlette.requests import Request

from reconciler.embedded.answers import NO_SUCH_MODEL, Code, VendorError, answer, error_answer, unfit, written
from reconciler.embedded.dependencies import admit_to_project
from reconciler.embedded.listing import ListQuery
from reconciler.embedded.new_model import arrive
from reconciler.embedded.serializers import detail
from reconciler.embedded.validation import general_code, read_request

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.embedded.access import Principal
    from reconciler.embedded.dependencies import AppState
    from reconciler.embedded.settings import EmbeddedSettings

_MODEL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ALL = re.compile(r"(?P<method>GET|POST) /v1/(?P<project_id>[^/]+)/models")
_ONE = re.compile(rf"(?P<method>GET) /v1/(?P<project_id>[^/]+)/models/(?P<model_id>{_MODEL_ID.pattern})")


async def import_model(parts: AppState, request: Request, caller: Principal, project_id: str) -> Response:
    """Registers what the body of the request says. Raises VendorError when that is refused."""
    body: bytes = request.state.body
    model = arrive(
        read_request(body, parts.rules, parts.settings),
        body,
        project_id=project_id,
        caller=caller,
        request_id=request.state.request_id,
        settings=parts.settings,
        defaults=parts.rules.defaults,
    )
    await parts.store.add(model)
    return answer({"model_id": model.model_id})


async def list_models(parts: AppState, query: ListQuery, project_id: str) -> Response:
    """One page. Raises VendorError when the filters exclude each other."""
    settings = parts.settings
    page = await parts.store.page(query.listing(project_id, settings), parts.milliseconds())
    total = page.total if settings.total_count == "right" else 0
    return written(f'{{"total_count":{total},"count":{page.count},"models":{page.models}}}')


async def show_model(parts: AppState, project_id: str, model_id: str) -> Response:
    """The detail of a model. Raises VendorError when there is none of this id."""
    check_id(model_id, parts.settings)
    standing = await parts.store.find(project_id, model_id, parts.milliseconds())
    return answer(detail(standing, parts.settings, parts.rules.defaults))


def check_id(model_id: str, settings: EmbeddedSettings) -> None:
    """Raises VendorError where an id that cannot be one is a wrong value: nobody publishes whether it is."""
    if settings.malformed_id != NO_SUCH_MODEL.status and not _MODEL_ID.fullmatch(model_id):
        code = Code(settings.malformed_id, general_code(settings).code)
        raise VendorError(code, f"model_id {model_id} is not the id of a model")


class FastRoutes:
    """ASGI middleware, the innermost: what it does not know goes on to the framework."""

    def __init__(self, app: ASGIApp, parts: AppState) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        line = f"{scope['method']} {scope['path']}"
        match = _ALL.fullmatch(line) or _ONE.fullmatch(line)
        if match is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = match.groupdict()
        request = Request(scope, receive)
        try:
            response = await self._answer(request, **match.groupdict())
        except (VendorError, sqlite3.Error) as error:
            response = error_answer(error, request)
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, method: str, project_id: str, model_id: str | None = None
    ) -> Response:
        caller = await admit_to_project(request)
        if method == "POST":
            return await import_model(self._parts, request, caller, project_id)
        if model_id is not None:
            return await show_model(self._parts, project_id, model_id)
        try:
            query = ListQuery.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise unfit(error.errors()) from None
        return await list_models(self._parts, query, project_id)
