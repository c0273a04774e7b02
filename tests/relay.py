"""A registry behind a line that a test can watch, cut, slow down or replace: real sockets, real threads."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.embedded import EmbeddedSettings, running
from tests.plain_http import NO_TLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """One answer. `promised` bytes are announced, whatever is sent; status 0 cuts the line unanswered."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    promised: int | None = None
    retry_after: int | None = None
    headers: tuple[tuple[str, str], ...] = ()


CUT = Answer(0)


def said(status: int, value: Any) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value).encode())


def honest(_request: Request, forward: Callable[[], Answer]) -> Answer:
    """Passes everything on."""
    return forward()


@dataclass
class Relay:
    """Stands before a registry.

    Attributes:
        registry: base URL of the real one.
        meddle: gets each request and a function that passes it on; gives what the client shall see.
        clock: what its answers say the date is.
        requests: everything that came, in order.
    """

    registry: str
    meddle: Callable[[Request, Callable[[], Answer]], Answer] = honest
    requests: list[Request] = field(default_factory=list)
    url: str = ""
    clock: Callable[[], str] = lambda: formatdate(usegmt=True)

    @property
    def posts(self) -> int:
        """How many import calls came."""
        return sum(request.method == "POST" for request in self.requests)

    def models(self, target: str = "prod") -> list[dict[str, Any]]:
        """What a target's project really holds."""
        answer = httpx.get(
            f"{self.registry}/v1/project-{target}/models?limit=1000", trust_env=False, verify=NO_TLS
        )
        models: list[dict[str, Any]] = answer.raise_for_status().json()["models"]
        return models

    def delete(self, name: str, target: str = "prod") -> None:
        """Deletes the models of one name behind everybody's back."""
        for model in self.models(target):
            if model["model_name"] == name:
                path = f"/v1/project-{target}/models/{model['model_id']}"
                httpx.delete(self.registry + path, trust_env=False, verify=NO_TLS).raise_for_status()

    def add(self, request: dict[str, Any], target: str = "prod") -> str:
        """Imports a model behind everybody's back; gives its id."""
        path = f"/v1/project-{target}/models"
        answer = httpx.post(self.registry + path, json=request, trust_env=False, verify=NO_TLS)
        model_id: str = answer.raise_for_status().json()["model_id"]
        return model_id

    def forward(self, request: Request) -> Answer:
        """Passes a request on."""
        kept = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_LINE}
        answer = httpx.request(
            request.method,
            self.registry + request.target,
            headers=kept,
            content=request.body,
            timeout=30,
            trust_env=False,
            verify=NO_TLS,
        )
        return Answer(answer.status_code, answer.content, answer.headers.get("content-type", ""))


_OF_THE_LINE = {"host", "connection", "content-length", "accept-encoding", "transfer-encoding"}


@contextmanager
def relayed(**settings: Any) -> Iterator[Relay]:
    """A relay before an embedded registry with these settings; models are published at once."""
    with (
        running(EmbeddedSettings(**{"publish_seconds": 0.0} | settings)) as url,
        serving(Relay(url)) as relay,
    ):
        yield relay


@contextmanager
def serving(relay: Relay) -> Iterator[Relay]:
    """Runs a relay while the block runs."""
    server = _Server(("127.0.0.1", 0), _handler(relay))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    relay.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield relay
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # connections that come together wait; with the usual 5 some are reset

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


def _handler(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, dict(self.headers.items()), body)
            relay.requests.append(request)
            answer = relay.meddle(request, lambda: relay.forward(request))
            self.close_connection = answer.status == 0 or answer.promised is not None
            if answer.status:
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                self.send_header("X-request-id", f"relay-{len(relay.requests)}")
                if answer.retry_after is not None:
                    self.send_header("Retry-After", str(answer.retry_after))
                for name, value in answer.headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(answer.promised or len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the base class's names

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - the base class's
            """The `Date` of an answer."""
            return relay.clock()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Says nothing."""

    return Handler
