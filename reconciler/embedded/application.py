"""The registry as an ASGI application: its parts wired, its routes, and one envelope for every refusal.

server ─▶ Boundary ─▶ routes ─▶ intake ─▶ judging ─▶ arrival ─▶ store ─▶ database
          request id,           body,     edition's  row and    one transaction for all
          last resort           caller    rules      fate       who wait
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import asynccontextmanager
from email.utils import formatdate
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from uuid import uuid4

from fastapi import FastAPI, Response
from starlette.requests import ClientDisconnect

from reconciler.contract import edition
from reconciler.embedded import iam, routes
from reconciler.embedded.access import Gate
from reconciler.embedded.answers import INTERNAL, UNAVAILABLE, VendorError, answer, refusal
from reconciler.embedded.database import Database
from reconciler.embedded.documentation import complete
from reconciler.embedded.intake import Parts
from reconciler.embedded.refusals import add_refusals
from reconciler.embedded.sabotage import Sabotage
from reconciler.embedded.shortcut import Shortcut
from reconciler.embedded.store import Store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, MutableMapping
    from typing import Any

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.embedded.settings import EmbeddedSettings

_LOG = logging.getLogger(__name__)
_REQUEST_ID = "X-request-id"


def create_app(settings: EmbeddedSettings) -> FastAPI:
    """The registry, with its database open.

    The database closes when the application's lifespan ends, or by `app.state.close()` where nobody runs the
    lifespan; closing twice is fine.

    Raises:
        ConfigurationError: there is no such edition.
        StateError: the database cannot be used.
    """
    rules = edition(settings.edition)
    database = Database(settings.database, unique=not (settings.faults and settings.faults.accept_duplicates))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = RegistryApp(
        title="Embedded model registry", version=_version(), lifespan=lifespan, redirect_slashes=False
    )
    app.state.close = database.close
    app.state.parts = Parts(
        settings=settings,
        rules=rules,
        defaults=rules.defaults,
        database=database,
        store=Store(database, settings),
        gate=Gate(database, settings.auth) if settings.auth else None,
    )
    _add_routes(app)
    add_refusals(app)
    app.add_middleware(Shortcut, parts=app.state.parts)
    app.add_middleware(Dated, clock=settings.clock)
    app.add_middleware(Boundary)
    if settings.faults is not None:
        app.add_middleware(Sabotage, faults=settings.faults)
    return app


class RegistryApp(FastAPI):
    """FastAPI with the rest of its OpenAPI document."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            parts: Parts = self.state.parts
            complete(super().openapi(), parts.rules.json_schema(), secured=parts.gate is not None)
        return self.openapi_schema or {}


class Boundary:
    """Gives every answer its `X-request-id`, and turns what nobody expected into the vendor's envelope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid4().hex
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                name = _REQUEST_ID.encode()
                message["headers"] = [*message.get("headers", ()), (name, request_id.encode())]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except ClientDisconnect:
            _LOG.debug("request %s: the client went away before its body had arrived", request_id)
        except Exception:  # noqa: BLE001 - the last resort; the log gets the traceback
            _LOG.exception("request %s failed", request_id)
            if not started:
                error = VendorError(INTERNAL, "the registry failed; its log says why under this request's id")
                await refusal(error, request_id)(scope, receive, send_named)


class Dated:
    """Puts the registry's own time, which is not always this machine's, on every answer."""

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self._clock(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
            await send(message)

        await self._app(scope, receive, send_dated)


def _add_routes(app: FastAPI) -> None:
    app.include_router(routes.router, tags=["models"])
    parts: Parts = app.state.parts
    if parts.gate is not None:
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


def _version() -> str:
    try:
        return version("model-reconciler")
    except PackageNotFoundError:
        return "0"
