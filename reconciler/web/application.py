"""The routes: page, health, readiness, metrics, report and webhook."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from reconciler.errors import StateError
from reconciler.printable import printable
from reconciler.views import as_json, html
from reconciler.views.metrics import CONTENT_TYPE
from reconciler.views.pages import Selection
from reconciler.web.rendered import Pace, Rendered
from reconciler.web.server import Access, Hosts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reconciler.engine.listing import ListingQuery
    from reconciler.engine.values import Report
    from reconciler.views.pages import ModelFacts, OverviewFacts, PageState
    from reconciler.web.webhook import Receiver

_SAME_PAGE_SECONDS = 5
"""For so long a page says the same of how long ago things were."""

_ANY_TIME = datetime.min.replace(tzinfo=UTC)
_SHORTEST, _LONGEST = 3, 4  # parts of a model's address: models, target, name and version


class Pages(Protocol):
    """What the pages show. Equal answers are one and the same object, so that they are rendered once."""

    def state(self, report: Report | None) -> PageState:
        """What every page shows, with the newest report in numbers."""

    def token(self) -> str | None:
        """Another one, without blanks, whenever the pages may say something else; None once it all stops."""

    async def summary(self) -> Report | None:
        """The newest report in numbers, as far as it can be had soon."""

    async def report(self) -> Report | None:
        """The newest report with its models; None when no cycle has finished."""

    async def overview(self, query: ListingQuery, *, matrix: bool) -> OverviewFacts | None:
        """One page of models; None while they cannot be read."""

    async def model(self, target: str, name: str, version: str | None) -> ModelFacts | None:
        """One model; None where nothing is known of it. Raises StateError."""


READY = "ready"
"""What `/readyz` says of a process that works on every target, or on some."""


@dataclass(frozen=True, slots=True)
class Probes:
    """Health, readiness and metrics; each is called on the event loop and must return at once.

    Attributes:
        metrics: the page in Prometheus' text format.
        not_ready: why what is shown may not be so any more, in one line; None while it is.
        not_alive: why the process should be started again; None while it should not.
        role: what `/readyz` says while it is well.
    """

    metrics: Callable[[], bytes]
    not_ready: Callable[[], str | None] = lambda: None
    not_alive: Callable[[], str | None] = lambda: None
    role: Callable[[], str] = lambda: READY

    def routes(self) -> list[Route]:
        """Where they answer."""

        async def scrape(_: Request) -> Response:
            return Response(self.metrics(), media_type=CONTENT_TYPE)

        async def healthz(_: Request) -> Response:
            return _answer("alive", self.not_alive())

        async def readyz(_: Request) -> Response:
            return _answer(self.role(), self.not_ready())

        return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", scrape)]


def create_app(
    pages: Pages,
    probes: Probes,
    receiver: Receiver,
    hosts: Hosts | None = None,
    tokens: Callable[[], Sequence[str]] | None = None,
) -> Starlette:
    """All that this room answers; the pages' report is also `/api/report`, in pages of 10,000 models."""
    hook = Route("/hooks/git", receiver.receive, methods=["POST"])
    return _site([*_page_routes(pages, Pace()), *probes.routes(), hook], hosts, tokens)


def create_health_app(probes: Probes, hosts: Hosts | None = None) -> Starlette:
    """Health, readiness and metrics alone, for a listener of their own that a busy page cannot hold up."""
    return _site(probes.routes(), hosts, None)


def _site(routes: list[Route], hosts: Hosts | None, tokens: Callable[[], Sequence[str]] | None) -> Starlette:
    """The routes behind what every request meets first; see `Access` for names and tokens."""
    return Starlette(
        routes=routes, middleware=[Middleware(_SecurityHeaders), Middleware(Access, hosts, tokens)]
    )


def _page_routes(pages: Pages, pace: Pace) -> list[Route]:
    documents = Rendered(pace.charge)
    models = Rendered(pace.charge)  # of its own: a model whose history is long holds up no overview

    async def overview(request: Request) -> Response:
        await pace.turn()
        selection, token = Selection.of(request.query_params), pages.token()
        summary = await pages.summary()
        page = await pages.overview(selection.listing, matrix=selection.view == "matrix")
        state = _state(pages, summary, token)
        document = await documents.get(
            (selection, _key(state)), (summary, page), lambda: html.overview(state, selection, page)
        )
        return document.answer(request, "text/html")

    async def model(request: Request) -> Response:
        await pace.turn()
        parts, token = _parts(request), pages.token()
        if not _SHORTEST <= len(parts) <= _LONGEST:
            return _not_found(_state(pages, None, token), request)
        summary = await pages.summary()
        try:
            page = await pages.model(parts[1], parts[2], parts[3] if len(parts) == _LONGEST else None)
        except StateError as error:
            state = _state(pages, summary, token)
            return HTMLResponse(html.unavailable(state, _root(request), str(error)), 503)
        state = _state(pages, summary, token)
        if page is None:
            return _not_found(state, request)
        number = Selection.of(request.query_params).page
        document = await models.get(
            (*parts, number, _key(state)), (summary, page), lambda: html.model(state, page, number)
        )
        return document.answer(request, "text/html")

    async def report(request: Request) -> Response:
        await pace.turn()
        newest = await pages.report()
        if newest is None:
            return Response('{"error": "no cycle has finished yet"}', 503, media_type="application/json")
        page = Selection.of(request.query_params).page
        document = await documents.get(
            ("report", page), (newest,), lambda: "".join(as_json.page_pieces(newest, page))
        )
        return document.answer(request, "application/json")

    return [
        Route("/", overview),
        Route("/models/{rest:path}", model),
        Route("/api/report", report),
        Route("/events", Events(pages.token).stream),
    ]


def _key(state: PageState) -> Hashable:
    """All that a page depends on, but for what it is rendered from."""
    return int(state.now.timestamp() / _SAME_PAGE_SECONDS), replace(state, report=None, now=_ANY_TIME)


def _parts(request: Request) -> list[str]:
    """The parts of the address as they were before a `%2F` in one of them became a slash."""
    path = _raw_path(request).decode("ascii", "replace").strip("/").split("/")
    return [unquote(part, errors="surrogatepass") for part in path]


def _root(request: Request) -> str:
    """The way from this address to the overview."""
    return "../" * (_raw_path(request).count(b"/") - 1)


def _raw_path(request: Request) -> bytes:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.partition(b"?")[0]


def _not_found(state: PageState, request: Request) -> Response:
    return HTMLResponse(html.missing(state, _root(request)), 404)


def _state(pages: Pages, summary: Report | None, token: str | None) -> PageState:
    """What every page shows; the token is that of before anything was read, so that no change is missed."""
    return replace(pages.state(summary), token=token or "")


def _answer(well: str, problem: str | None) -> Response:
    return PlainTextResponse(f"{printable(problem or well)}\n", 503 if problem else 200)


class _SecurityHeaders:
    """Lets a browser load nothing but the pages' own style and script, frame, guess and tell nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        style, script = html.policy_sources()
        self._headers = {
            "Content-Security-Policy": (
                f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
                "img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "no-referrer",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


MOST_STREAMS = 100
"""At a time; who comes later asks again, and meanwhile fetches the page now and then."""

_LOOK = 0.5  # seconds
_SILENCE = 15.0  # seconds after which a line is sent that says nothing, so that a dead connection is noticed


class Events:
    """The streams of one application."""

    def __init__(self, token: Callable[[], str | None], *, most: int = MOST_STREAMS) -> None:
        self._token = token
        self._most = most
        self._open = 0

    async def stream(self, _: Request) -> Response:
        """One event at once, and one after each change, until the reader or the program goes."""
        if self._open >= self._most:
            return PlainTextResponse("too many readers\n", 503, {"Retry-After": "15"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=headers)

    async def _changes(self) -> AsyncIterator[str]:
        self._open += 1
        try:
            said: str | None = None
            silent = 0.0
            while (token := self._token()) is not None:
                if token != said:
                    said, silent = token, 0.0
                    yield f"retry: 3000\nevent: state\ndata: {token}\n\n"
                elif silent >= _SILENCE:
                    silent = 0.0
                    yield ": still here\n\n"
                await asyncio.sleep(_LOOK)
                silent += _LOOK
        finally:
            self._open -= 1
