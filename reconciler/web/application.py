"""The routes: page, health, readiness, metrics, report and webhook."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reconciler.views import as_json, html
from reconciler.views.clean import clean
from reconciler.views.metrics import CONTENT_TYPE
from reconciler.web.access import Access, Hosts
from reconciler.web.rendered import Rendered
from reconciler.web.webhook import Receiver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.engine.values import Report
    from reconciler.web.webhook import Delivery


_SAME_PAGE_SECONDS = 5
"""For so long the page says the same of how long ago things were."""

_ANY_TIME = datetime.min.replace(tzinfo=UTC)


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
    delivered: Callable[[Delivery], None] = lambda _: None,
    hosts: Hosts | None = None,
    tokens: Callable[[], Sequence[str]] | None = None,
    body_seconds: float = 10.0,
) -> Starlette:
    """The application. All callables are called on the event loop and must return at once.

    Args:
        status: everything the page shows, as one immutable value; its report is also `/api/report`.
        metrics: the metrics page in Prometheus' text format.
        trigger: asks for a tick soon, in the name of the one it is told; asking twice is asking once.
        not_ready: why what is shown may not be so any more, in one line; None while it is.
        webhook_secret: the secrets now, one a line (they may be rotated), or None when there is no webhook.
        not_alive: why the process should be started again; None while it should not.
        refresh: brings what `status` gives up to date, as far as that can be had soon.
        delivered: hears what became of each delivery.
        hosts: the names that are answered to; None answers to all.
        tokens: what lets a visitor look, read anew with each request; None lets everybody look.
        body_seconds: how long a delivery's body may take to arrive.
    """
    documents = Rendered()

    async def page(request: Request) -> Response:
        query = request.query_params
        wanted = html.Filter(
            query.get("verdict", ""), query.get("name", ""), refresh=query.get("refresh") != "off"
        )
        await refresh()
        state = status()
        moment = int(state.now.timestamp() / _SAME_PAGE_SECONDS)
        key = (wanted, moment, replace(state, report=None, now=_ANY_TIME))
        document = await documents.get(key, state.report, lambda: html.page(state, wanted))
        return document.answer(request, "text/html")

    async def report(request: Request) -> Response:
        await refresh()
        found = status().report
        if found is None:
            return Response('{"error": "no cycle has finished yet"}', 503, media_type="application/json")
        document = await documents.get("report", found, lambda: _report_text(found))
        return document.answer(request, "application/json")

    receiver = Receiver(webhook_secret, trigger, delivered, body_seconds)

    return Starlette(
        routes=[
            Route("/", page),
            *_health_routes(metrics, not_ready, not_alive),
            Route("/api/report", report),
            Route("/hooks/git", receiver.receive, methods=["POST"]),
        ],
        middleware=[
            Middleware(_SecurityHeaders, html.style_source()),
            Middleware(Access, hosts, tokens),
        ],
    )


def create_health_app(
    metrics: Callable[[], bytes],
    not_ready: Callable[[], str | None],
    not_alive: Callable[[], str | None],
    hosts: Hosts | None = None,
) -> Starlette:
    """Health, readiness and metrics alone, for a listener of their own that a busy page cannot hold up.

    Args:
        metrics: the metrics page in Prometheus' text format.
        not_ready: why what is shown may not be so any more, in one line; None while it is.
        not_alive: why the process should be started again; None while it should not.
        hosts: the names that the metrics are shown under; None is all.
    """
    return Starlette(
        routes=_health_routes(metrics, not_ready, not_alive),
        middleware=[
            Middleware(_SecurityHeaders, html.style_source()),
            Middleware(Access, hosts, None),
        ],
    )


def _health_routes(
    metrics: Callable[[], bytes],
    not_ready: Callable[[], str | None],
    not_alive: Callable[[], str | None],
) -> list[Route]:
    async def scrape(_: Request) -> Response:
        return Response(metrics(), media_type=CONTENT_TYPE)

    async def healthz(_: Request) -> Response:
        return _answer("alive", not_alive())

    async def readyz(_: Request) -> Response:
        return _answer("ready", not_ready())

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]


def _report_text(found: Report) -> str:
    return as_json.dumps(as_json.report(found)) + "\n"


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
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds the headers to whatever the application answers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
