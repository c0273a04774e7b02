"""The routes: page, health, readiness, metrics, report and webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from reconciler.views import as_json, html
from reconciler.views.metrics import CONTENT_TYPE
from reconciler.web.webhook import Receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.engine.values import Report
    from reconciler.web.webhook import Delivery


def create_app(  # noqa: PLR0913 - one argument for each thing that is shown or heard
    status: Callable[[], html.PageState],
    metrics: Callable[[], bytes],
    trigger: Callable[[str], None],
    ready: Callable[[], bool],
    webhook_secret: Callable[[], str | None],
    *,
    alive: Callable[[], bool] = lambda: True,
    delivered: Callable[[Delivery], None] = lambda _: None,
    body_seconds: float = 10.0,
) -> Starlette:
    """The application. All callables are called on the event loop and must return at once.

    Args:
        status: everything the page shows, as one immutable value; its report is also `/api/report`.
        metrics: the metrics page in Prometheus' text format.
        trigger: asks for a tick soon, in the name of the one it is told; asking twice is asking once.
        ready: whether a first cycle has succeeded.
        webhook_secret: the secrets now, one a line (they may be rotated), or None when there is no webhook.
        alive: whether the loop still goes round.
        delivered: hears what became of each delivery.
        body_seconds: how long a delivery's body may take to arrive.
    """

    async def page(request: Request) -> Response:
        query = request.query_params
        wanted = html.Filter(
            query.get("verdict", ""), query.get("name", ""), refresh=query.get("refresh") != "off"
        )
        return HTMLResponse(await run_in_threadpool(html.page, status(), wanted))

    async def report(_: Request) -> Response:
        found = status().report
        if found is None:
            return _json('{"error": "no cycle has finished yet"}', 503)
        return _json(await run_in_threadpool(_report_text, found), 200)

    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE)

    async def healthz(_: Request) -> Response:
        return _answer("alive" if (good := alive()) else "the loop has stopped", good=good)

    async def readyz(_: Request) -> Response:
        return _answer("ready" if (good := ready()) else "no cycle has succeeded yet", good=good)

    receiver = Receiver(webhook_secret, trigger, delivered, body_seconds)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", scrape),
            Route("/api/report", report),
            Route("/hooks/git", receiver.receive, methods=["POST"]),
        ],
        middleware=[Middleware(_SecurityHeaders, html.style_source())],
    )


def _report_text(found: Report) -> str:
    return as_json.dumps(as_json.report(found)) + "\n"


def _json(text: str, status: int) -> Response:
    return Response(text, status, media_type="application/json")


def _answer(text: str, *, good: bool) -> Response:
    return PlainTextResponse(f"{text}\n", 200 if good else 503)


class _SecurityHeaders:
    """Lets a browser load nothing but the page's own style, frame nothing, guess nothing, and tell nobody."""

    def __init__(self, app: ASGIApp, style: str) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src {style}; img-src data:; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers to whatever the application answers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, with_headers)
