"""How each kind of error becomes the answer that a client gets, and what the log hears of it."""

from __future__ import annotations

import logging
import sqlite3
from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from reconciler.embedded.answers import (
    BAD_VALUES,
    INTERNAL,
    NO_SUCH_API,
    Code,
    IamError,
    VendorError,
    iam_refusal,
    refusal,
)

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

_LOG = logging.getLogger("reconciler.embedded.application")  # one log for whoever serves the registry
_ABOUT_WHO_ASKS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def told(error: VendorError | sqlite3.Error, request: Request) -> Response:
    """The answer to a call that was refused, or that the database failed."""
    request_id: str = request.state.request_id
    if isinstance(error, sqlite3.Error):
        _LOG.error("request %s failed: the database says %s", request_id, error)
        return refusal(VendorError(INTERNAL, f"the database says: {error}"), request_id)
    if error.code.status in _ABOUT_WHO_ASKS:
        _LOG.warning("request %s refused: %s %s", request_id, *error.code)
    return refusal(error, request_id)


def add_refusals(app: FastAPI) -> None:
    """Has the application answer every error it knows in the vendor's envelope, or IAM's."""

    @app.exception_handler(VendorError)
    async def refuse(request: Request, error: VendorError) -> Response:
        return told(error, request)

    @app.exception_handler(sqlite3.Error)
    async def refuse_for_the_database(request: Request, error: sqlite3.Error) -> Response:
        return told(error, request)

    @app.exception_handler(IamError)
    async def refuse_login(request: Request, error: IamError) -> Response:
        if error.status in _ABOUT_WHO_ASKS:
            _LOG.warning("request %s refused: %s login", request.state.request_id, error.status)
        return iam_refusal(error)

    @app.exception_handler(RequestValidationError)
    async def refuse_parameters(request: Request, error: RequestValidationError) -> Response:
        faults = [f"{fault['loc'][-1]}: {fault['msg']}" for fault in error.errors()]
        return refusal(VendorError(BAD_VALUES, "; ".join(faults)), request.state.request_id)

    @app.exception_handler(HTTPException)
    async def refuse_route(request: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase.lower()
        code = Code(error.status_code, NO_SUCH_API.code)
        response = refusal(
            VendorError(code, f"{request.method} {request.url.path}: {phrase}"), request.state.request_id
        )
        response.headers.update(error.headers or {})
        return response
