"""The registry as FastAPI has it: every route and its OpenAPI document. Loaded when first asked for."""

from __future__ import annotations

import sqlite3
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from reconciler import __version__
from reconciler.embedded import iam, routes
from reconciler.embedded.answers import (
    ABOUT_WHO_ASKS,
    NO_SUCH_API,
    UNAVAILABLE,
    Code,
    IamError,
    VendorError,
    answer,
    error_answer,
    failed,
    iam_refusal,
    refusal,
    unfit,
)
from reconciler.embedded.documentation import complete
from reconciler.log import log

if TYPE_CHECKING:
    from typing import Any

    from starlette.datastructures import State

    from reconciler.embedded.dependencies import AppState


def described(state: State) -> FastAPI:
    """An application with this state, which holds the registry's parts."""
    app = App(title="Embedded model registry", version=__version__, redirect_slashes=False)
    app.state = state
    _add_routes(app)
    _add_refusals(app)
    return app


class App(FastAPI):
    """FastAPI with the rest of its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            parts: AppState = self.state.parts
            complete(super().openapi(), parts.rules.json_schema(), secured=parts.authenticator is not None)
        return self.openapi_schema or {}


def _add_routes(app: FastAPI) -> None:
    app.include_router(routes.router, tags=["models"])
    parts: AppState = app.state.parts
    if parts.authenticator is not None:
        app.include_router(iam.router, tags=["identity"])

    @app.get("/", include_in_schema=False)
    async def about() -> Response:
        return answer(
            {
                "name": "embedded model registry",
                "edition": parts.settings.edition,
                "models": "/v1/{project_id}/models",
                "documentation": app.docs_url,
            }
        )

    @app.get("/healthz", summary="Whether the registry and its database answer", tags=["health"])
    async def health() -> Response:
        try:
            await parts.database.read(parts.database.check)
        except sqlite3.Error as error:
            raise VendorError(UNAVAILABLE, f"the registry's database says: {error}") from error
        return answer({"status": "ok"})


def _add_refusals(app: FastAPI) -> None:
    """Has the application answer every error it knows in the vendor's envelope, or IAM's."""

    @app.exception_handler(VendorError)
    async def refuse(request: Request, error: VendorError) -> Response:
        return error_answer(error, request)

    @app.exception_handler(sqlite3.Error)
    async def refuse_for_the_database(request: Request, error: sqlite3.Error) -> Response:
        return error_answer(error, request)

    @app.exception_handler(IamError)
    async def refuse_login(request: Request, error: IamError) -> Response:
        if error.status in ABOUT_WHO_ASKS:
            log.warning("request %s refused: %s login", request.state.request_id, error.status)
        return iam_refusal(error)

    @app.exception_handler(RequestValidationError)
    async def refuse_parameters(request: Request, error: RequestValidationError) -> Response:
        return error_answer(unfit(error.errors()), request)

    @app.exception_handler(HTTPException)
    async def refuse_route(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase.lower()
        code = Code(error.status_code, NO_SUCH_API.code)
        response = refusal(
            VendorError(code, f"{request.method} {request.url.path}: {phrase}"), request.state.request_id
        )
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def fail(request: Request, error: Exception) -> Response:
        del error  # it is raised again, and logged at the boundary
        return failed(request.state.request_id)
