"""Credentials of a URL, over a real git server that asks for them: no process list ever shows them."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from reconciler.errors import SourceError
from tests.git_repository import GitRepository, git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.source.conftest import Opener

_BACKEND = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True).stdout.strip()
_CANARIES = {
    "plain": ("robot", "c4nary-s3cret"),
    "blank and quotes": ("r o'b\"ot", "c4nary $HOME `id` 'x' \\n%s"),
    "other alphabets": ("机器人", "c4nary-пароль-秘密"),
    "colon": ("robot", "c4nary:with:colons@/"),
    "empty password": ("c4nary-token", ""),
}

pytestmark = pytest.mark.skipif(
    not Path(_BACKEND, "git-http-backend").exists(), reason="this git has no http-backend"
)


class _Handler(BaseHTTPRequestHandler):
    """`git http-backend` behind a password; at each request it looks at every process there is."""

    root: ClassVar[Path]
    expected: ClassVar[str]
    seen: ClassVar[list[str]]
    asked: ClassVar[list[str | None]]

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        self.seen.append(_processes())
        given = self.headers.get("Authorization")
        self.asked.append(given)
        if given != self.expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
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
        command = [f"{_BACKEND}/git-http-backend"]
        done = subprocess.run(
            command, input=body, env=git_environment() | variables, capture_output=True, check=True
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
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


@contextmanager
def _served(repository: GitRepository, username: str, password: str) -> Iterator[tuple[str, type[_Handler]]]:
    """The host and port of a server that takes these credentials alone."""
    token = base64.b64encode(f"{username}:{password}".encode()).decode()

    class Handler(_Handler):
        root = repository.path.parent
        expected = f"Basic {token}"
        seen: ClassVar[list[str]] = []
        asked: ClassVar[list[str | None]] = []

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}", Handler
        finally:
            server.shutdown()
            thread.join()


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


@pytest.mark.parametrize("kind", _CANARIES)
def test_no_process_shows_the_credentials_of_a_url(
    repository: GitRepository, opened: Opener, cache: Path, tmp_path: Path, kind: str
) -> None:
    """Not git, nor its helpers, nor a shell; nor any file of the mirror or of the user's."""
    username, password = _CANARIES[kind]
    commit = repository.commit({"m/a": "1"})
    with _served(repository, username, password) as (host, handler):
        url = f"http://{_quoted(username)}:{_quoted(password)}@{host}/repo/.git"
        source = opened(url, branch="main")
        assert source.head() == commit
        second = repository.commit({"m/a": "2"})
        assert source.head() == second
        assert handler.expected in handler.asked
        listed = "\n".join(handler.seen)
    assert "remote-http" in listed
    unknown = {password, _quoted(password), username, _quoted(username)} - {"", "robot", _quoted("robot")}
    assert not [text for text in unknown if text in listed]
    assert "c4nary" not in listed
    written = [file for folder in (cache, tmp_path / "home") for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in written if b"c4nary" in file.read_bytes()]


def test_a_wrong_password_is_said_and_not_shown(repository: GitRepository, opened: Opener) -> None:
    """It is tried once a look, and not handed to anybody else."""
    repository.commit({"a": "1"})
    with _served(repository, "robot", "right") as (host, handler):
        with pytest.raises(SourceError, match="credentials were refused or missing") as caught:
            opened(f"http://robot:c4nary-wrong@{host}/repo/.git").head()
        assert "c4nary" not in str(caught.value)
        assert "c4nary" not in "\n".join(handler.seen)


def test_the_users_helper_still_knows_the_password_of_a_name(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL with a name alone says whose password is meant, and the name is no argument either."""
    commit = repository.commit({"a": "1"})
    with _served(repository, "r0b0t-canary", "kept") as (host, handler):
        store = tmp_path / "store"
        store.write_text(f"http://other:wrong@{host}\nhttp://r0b0t-canary:kept@{host}\n")
        store.chmod(0o600)
        (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file {store}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        assert opened(f"http://r0b0t-canary@{host}/repo/.git").head() == commit
        assert "r0b0t-canary" not in "\n".join(handler.seen)


def test_a_password_of_the_url_is_tried_before_and_kept_from_the_users_helpers(
    repository: GitRepository, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written in the configuration of this program is not written anywhere else."""
    commit = repository.commit({"a": "1"})
    with _served(repository, "robot", "c4nary") as (host, _):
        store = tmp_path / "store"
        store.write_text(f"http://robot:wrong@{host}\n")
        before = os.stat(store).st_mtime_ns  # noqa: PTH116 - a file's time
        (tmp_path / "gitconfig").write_text(f"[credential]\n\thelper = store --file {store}\n")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
        assert opened(f"http://robot:c4nary@{host}/repo/.git").head() == commit
        assert os.stat(store).st_mtime_ns == before  # noqa: PTH116 - a file's time
