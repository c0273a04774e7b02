"""The registry as an ASGI application: its parts wired, in layers.

server ─▶ AnswerHeaders ─▶ Router ─────▶ routes ─▶ model ────────▶ store ─▶ database
          id, time,        operation,              edition's rules,         one transaction
          last resort      body, caller            row and outcome          for all who wait
"""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING
from uuid import uuid4

from starlette.datastructures import State
from starlette.requests import ClientDisconnect

from reconciler.contract import edition
from reconciler.embedded.answers import failed
from reconciler.embedded.database import Database
from reconciler.embedded.router import Parts, Router
from reconciler.embedded.routes import OPERATIONS
from reconciler.embedded.store import Store
from reconciler.log import log

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.embedded.settings import EmbeddedSettings


def create_app(settings: EmbeddedSettings) -> EmbeddedRegistry:
    """The registry, with its database open.

    The database closes when the application's lifespan ends, or by `app.state.close()` where nobody runs the
    lifespan; closing twice is fine.

    Raises:
        ConfigurationError: there is no such edition.
        StateError: the database cannot be used.
    """
    rules = edition(settings.edition)
    database = Database(settings.database, unique=not (settings.faults and settings.faults.accept_duplicates))
    operations, authenticator = OPERATIONS, None
    if settings.auth is not None:
        from reconciler.embedded import access  # noqa: PLC0415 - a registry inside another program asks for none

        operations = [*OPERATIONS, *access.OPERATIONS]
        authenticator = access.Authenticator(database, settings.auth)
    return EmbeddedRegistry(
        Parts(settings, rules, database, Store(database, settings), operations, authenticator)
    )


class EmbeddedRegistry:
    """The ASGI application.

    Attributes:
        state: `parts`, of which it is made; `close`, to call when it is no longer needed; and `drop`, which a
            server sets to end a client's connection.
    """

    def __init__(self, parts: Parts) -> None:
        self.state = State({"parts": parts, "close": parts.database.close})
        app: ASGIApp = AnswerHeaders(Router(parts), parts.settings.clock)
        if parts.settings.faults is not None:
            from reconciler.embedded.testing.fault_injection import FaultInjection  # noqa: PLC0415 - few registries have faults

            app = FaultInjection(app, parts.settings.faults)
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or the lifespan."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        scope["app"] = self
        await self._app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.state.close()
        await send({"type": "lifespan.shutdown.complete"})


class AnswerHeaders:
    """Gives every answer its `X-request-id` and the registry's own time, which is not always this machine's.

    What nobody expected is turned into the vendor's envelope.
    """

    def __init__(self, app: ASGIApp, clock: Callable[[], float]) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        request_id = uuid4().hex
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                date = formatdate(self._clock(), usegmt=True)  # may fail, and then nothing is sent yet
                started = True
                named = ((b"date", date.encode()), (b"X-request-id", request_id.encode()))
                message["headers"] = [*message.get("headers", ()), *named]
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except ClientDisconnect:
            log.debug("request %s: the client went away before its body had arrived", request_id)
        except Exception:  # noqa: BLE001 - the last resort; the log gets the traceback
            log.exception("request %s failed", request_id)
            if not started:
                answer = failed(request_id)
                answer.headers["X-request-id"] = request_id
                await answer(scope, receive, send)
