"""A real git server over HTTP that asks for a password."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tests.git_repository import GitRepository, git_environment

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_PROGRAMS = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
BACKEND = Path(_PROGRAMS, "git-http-backend")
ASKS = {"WWW-Authenticate": 'Basic realm="models"'}
Refuse = Callable[["Handler"], tuple[int, Mapping[str, str]] | None]


class Handler(BaseHTTPRequestHandler):
    """`git http-backend` behind a password; at each request it looks at every process there is."""

    root: ClassVar[Path]
    expected: ClassVar[str]
    seen: ClassVar[list[str]]
    asked: ClassVar[list[str | None]]

    def refused(self) -> tuple[int, Mapping[str, str]] | None:
        """What a request that has the right password is refused with: a status, and headers."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        self.seen.append(_processes())
        given = self.headers.get("Authorization")
        self.asked.append(given)
        refusal = (401, ASKS) if given != self.expected else self.refused()
        if refusal is not None:
            status, headers = refusal
            self.send_response(status)
            for name, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "robot",
        }
        done = subprocess.run(
            [BACKEND], input=body, env=git_environment() | variables, capture_output=True, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


def _processes() -> str:
    """The command line of every process of this machine."""
    command_lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command_lines.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(command_lines)


@contextmanager
def served(
    repository: GitRepository,
    username: str,
    password: str,
    *,
    refuse: Refuse = lambda _: None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[tuple[str, type[Handler]]]:
    """The host and port of a server that takes these credentials alone, but for what `refuse` refuses."""
    token = base64.b64encode(f"{username}:{password}".encode()).decode()

    class Serving(Handler):
        root = repository.path.parent
        expected = f"Basic {token}"
        seen: ClassVar[list[str]] = []
        asked: ClassVar[list[str | None]] = []

        def refused(self) -> tuple[int, Mapping[str, str]] | None:
            return refuse(self)

    with ThreadingHTTPServer(("127.0.0.1", 0), Serving) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", Serving
        finally:
            server.shutdown()
            thread.join()


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
