"""A server that answers with everything it was asked, and with every secret in every spelling."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Echo(ThreadingHTTPServer):
    """Answers as `mode` says.

    Attributes:
        mode: the status of every answer; `created` lists nothing and takes imports, with an id that repeats
            the request.
        also: more words for each answer: secrets of others, in every spelling.
        headers: more headers of each answer.
        processes: the command lines of this machine at each request of git's.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mode: int | str = 500
        self.also = ""
        self.headers: dict[str, str] = {}
        self.processes: list[bytes] = []

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is nothing to be told of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Echo

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        said = " ".join([self.server.also, *self.headers.values(), body, self.path])
        if "/info/refs" in self.path:
            self.server.processes.append(command_lines())
            self._send(int(self.server.mode), said.encode(), "text/plain")
        elif self.path == "/v3/auth/tokens" and self.server.mode != 401:
            token = {"token": {"expires_at": "2099-01-01T00:00:00.000000Z"}}
            self._send(201, json.dumps(token).encode(), token=self.server.also[:40])
        elif self.server.mode == "created":
            self._send(200, json.dumps(_created(self.command, said)).encode())
        else:
            names = ("error_code", "error_msg", "error_message", "request_id", "models", "model_id")
            self._send(int(self.server.mode), json.dumps(dict.fromkeys(names, said)).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json", token: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header(
            "X-request-id",
            " ".join(self.headers.values()).encode("ascii", "ignore").decode().replace("\n", " ")[:60_000],
        )
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
        if token:
            self.send_header("X-Subject-Token", token)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


def _created(method: str, said: str) -> Any:
    if method == "POST":
        return {"model_id": said}
    return {"models": [], "total_count": 0, "count": 0}


def command_lines() -> bytes:
    """The command line of every process of this machine."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes())
        except OSError:
            continue
    return b"\n".join(lines)


@contextmanager
def echoing() -> Iterator[Echo]:
    """The server, in a thread."""
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
