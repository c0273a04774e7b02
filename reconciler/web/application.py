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
from reconciler.views.clean import clean
from reconciler.views.metrics import CONTENT_TYPE
from reconciler.web import webhook

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.engine.values import Report


async def nothing() -> None:
    """What is shown is always up to date."""


def create_app(  # noqa: PLR0913 - one argument for each thing that is shown or heard
    status: Callable[[], html.PageState],
    metrics: Callable[[], bytes],
    trigger: Callable[[str], None],
    not_ready: Callable[[], str | None],
    webhook_secret: Callable[[], str | None],
    *,
    not_alive: Callable[[], str | None] = lambda: None,
    refresh: Callable[[], Awaitable[None]] = nothing,
    body_seconds: float = 10.0,
) -> Starlette:
    """The application. All callables are called on the event loop and must return at once.

    Args:
        status: everything the page shows, as one immutable value; its report is also `/api/report`.
        metrics: the metrics page in Prometheus' text format.
        trigger: asks for a tick soon, in the name of the one it is told; asking twice is asking once.
        not_ready: why what is shown may not be so any more, in one line; None while it is.
        webhook_secret: the secret now (it may be rotated), or None when there is no webhook.
        not_alive: why the process should be started again; None while it should not.
        refresh: brings what `status` gives up to date, as far as that can be had soon.
        body_seconds: how long a delivery's body may take to arrive.
    """

    async def page(request: Request) -> Response:
        query = request.query_params
        wanted = html.Filter(
            query.get("verdict", ""), query.get("name", ""), refresh=query.get("refresh") != "off"
        )
        await refresh()
        return HTMLResponse(await run_in_threadpool(html.page, status(), wanted))

    async def report(_: Request) -> Response:
        await refresh()
        found = status().report
        if found is None:
            return _json('{"error": "no cycle has finished yet"}', 503)
        return _json(await run_in_threadpool(_report_text, found), 200)

    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE)

    async def healthz(_: Request) -> Response:
        return _answer("alive", not_alive())

    async def readyz(_: Request) -> Response:
        return _answer("ready", not_ready())

    async def hook(request: Request) -> Response:
        return await webhook.receive(request, webhook_secret, trigger, body_seconds)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", scrape),
            Route("/api/report", report),
            Route("/hooks/git", hook, methods=["POST"]),
        ],
        middleware=[Middleware(_SecurityHeaders, html.style_source())],
    )


def _report_text(found: Report) -> str:
    return as_json.dumps(as_json.report(found)) + "\n"


def _json(text: str, status: int) -> Response:
    return Response(text, status, media_type="application/json")


def _answer(well: str, problem: str | None) -> Response:
    return PlainTextResponse(f"{clean(problem or well)}\n", 503 if problem else 200)


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
