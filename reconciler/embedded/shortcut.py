"""The two calls that come by the thousand, importing a model and showing one, past the web framework.

FastAPI describes every route and finds its way to each, for twice the processor time that an import takes in
all. These two come to the same endpoints from here, with the same arguments.
"""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING

from starlette.requests import Request

from reconciler.embedded import routes
from reconciler.embedded.answers import VendorError
from reconciler.embedded.intake import admit_to_project
from reconciler.embedded.refusals import told

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.embedded.intake import Parts

_IMPORT = re.compile(r"POST /v1/(?P<project_id>[^/]+)/models")
_SHOW = re.compile(rf"GET /v1/(?P<project_id>[^/]+)/models/(?P<model_id>{routes.MODEL_ID.pattern})")


class Shortcut:
    """ASGI middleware, the innermost: what it does not know goes on to the application."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        line = f"{scope['method']} {scope['path']}" if scope["type"] == "http" else ""
        found = _IMPORT.fullmatch(line) or _SHOW.fullmatch(line)
        if found is None:
            await self._app(scope, receive, send)
            return
        scope["path_params"] = found.groupdict()
        request = Request(scope, receive)
        try:
            response = await self._answer(request, **found.groupdict())
        except (VendorError, sqlite3.Error) as error:
            response = told(error, request)
        await response(scope, receive, send)

    async def _answer(self, request: Request, project_id: str, model_id: str | None = None) -> Response:
        caller = await admit_to_project(request)
        if model_id is None:
            return await routes.import_model(project_id, request, caller, self._parts)
        return await routes.show_model(project_id, model_id, self._parts)
