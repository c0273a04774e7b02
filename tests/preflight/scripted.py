"""A server on loopback that answers as it is told: what a real object store does only on a bad day."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `delay` in seconds."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/xml"
    location: str | None = None
    delay: float = 0.0


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    line: str
    headers: Mapping[str, str]


class Scripted:
    """Answers each request with what `answer` makes of its path.

    Attributes:
        asked: every request, in order.
        url: its endpoint.
    """

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        asked: list[Asked] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(Asked(self.requestline, {k.lower(): v for k, v in self.headers.items()}))
                given = answer(self.path)
                time.sleep(given.delay)
                self.send_response(given.status)
                self.send_header("Content-Type", given.content_type)
                self.send_header("Content-Length", str(len(given.body)))
                if given.location:
                    self.send_header("Location", given.location)
                self.end_headers()
                self.wfile.write(given.body)

            do_CONNECT = do_GET  # noqa: N815 - the library's name

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.asked = asked
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def page(*keys: str, truncated: bool = False, namespace: str = "") -> bytes:
    """One page of a list of objects of a byte each."""
    items = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)
    space = f' xmlns="{namespace}"' if namespace else ""
    more = str(truncated).lower()
    head = f"<Name>m</Name><IsTruncated>{more}</IsTruncated>"
    return f"<ListBucketResult{space}>{head}{items}</ListBucketResult>".encode()


def fault(code: str, message: str = "") -> bytes:
    """The body of a store's error."""
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
