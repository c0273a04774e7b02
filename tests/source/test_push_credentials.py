"""Notes are pushed with a credential of their own, over a real git server that asks for it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import SourceError
from reconciler.remote import parse_remote
from reconciler.source.notes import shared_notes
from tests.git_repository import GitRepository
from tests.source.git_over_http import ASKS, BACKEND, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from reconciler.source.notes import Notes
    from tests.source.git_over_http import Handler

REF = "refs/notes/reconciler"
NOW = datetime(2026, 11, 28, tzinfo=UTC)
CANARY = "c4nary-t0ken"
COMMIT, LATER = "1" * 40, "2" * 40
REFUSED = "the credentials were refused or missing"

pytestmark = pytest.mark.skipif(not BACKEND.exists(), reason="this git has no http-backend")


@pytest.fixture
def host(tmp_path: Path) -> GitRepository:
    """Where notes are pushed to."""
    return GitRepository(tmp_path / "host" / "models.git", bare=True)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Callable[[str], Notes]]:
    """Opens the notes of one machine, which pushes to a URL; one note is to be pushed."""
    with ExitStack() as stack:

        def opened(url: str) -> Notes:
            address = parse_remote(url)
            assert address is not None
            notes = shared_notes(address, REF, tmp_path / "own", timeout=30.0, sha256=False)
            stack.callback(notes.close)
            notes.recover()
            notes.add({COMMIT: ["a"]}, NOW)
            return notes

        yield opened


def _url(host: str, password: str = CANARY, scheme: str = "http") -> str:
    return f"{scheme}://robot:{password}@{host}/models.git"


def _notes(host: GitRepository) -> int:
    return len(host.git("ls-tree", "-r", REF).splitlines())


def _require_secret_kept(error: object, handler: type[Handler], folder: Path) -> None:
    """In no message, in no process and in no file."""
    assert CANARY not in str(error)
    assert CANARY not in "\n".join(handler.seen)
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert not [file for file in files if CANARY.encode() in file.read_bytes()]


def test_a_wrong_password_is_said_and_the_notes_wait(
    host: GitRepository, writer: Callable[[str], Notes], tmp_path: Path
) -> None:
    """With the right one in its place all of them are pushed; the repository is the same one."""
    with served(host, "robot", "right") as (address, handler):
        notes = writer(_url(address))
        with pytest.raises(SourceError, match=REFUSED) as caught:
            notes.publish()
        assert notes.replace_damaged(caught.value) is None
        _require_secret_kept(caught.value, handler, tmp_path)
        writer(_url(address, "right")).publish()
    assert _notes(host) == 1
    assert len(list((tmp_path / "own").iterdir())) == 1


def test_a_token_that_ends_between_two_requests_of_a_push_is_said(
    host: GitRepository, writer: Callable[[str], Notes], tmp_path: Path
) -> None:
    """The server told its refs to it, and takes no pack any more; nothing counts as pushed."""
    ended = [True]

    def refuse(request: Handler) -> tuple[int, Mapping[str, str]] | None:
        return (401, ASKS) if ended and request.command == "POST" else None

    with served(host, "robot", CANARY, refuse=refuse) as (address, handler):
        notes = writer(_url(address))
        with pytest.raises(SourceError, match=REFUSED) as caught:
            notes.publish()
        assert notes.replace_damaged(caught.value) is None
        _require_secret_kept(caught.value, handler, tmp_path)
        ended.clear()
        notes.publish()
    assert _notes(host) == 1


def test_leave_to_read_alone_is_said_and_others_are_still_merged(
    host: GitRepository, writer: Callable[[str], Notes], tmp_path: Path
) -> None:
    """403 on every push and on nothing else, as hosts answer a token that may only read."""

    def refuse(request: Handler) -> tuple[int, Mapping[str, str]] | None:
        return (403, {}) if "receive-pack" in request.path else None

    with served(host, "robot", CANARY) as (address, _):
        writer(_url(address)).publish()
    with served(host, "robot", CANARY, refuse=refuse) as (address, handler):
        shutil.rmtree(tmp_path / "own")
        notes = writer(_url(address))
        notes.add({LATER: ["b"]}, NOW)
        for _ in range(2):
            with pytest.raises(SourceError, match=REFUSED) as caught:
                notes.publish()
        _require_secret_kept(caught.value, handler, tmp_path)
        assert dict(notes.read()).keys() == {COMMIT, LATER}
    assert _notes(host) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_credential_follows_no_redirect(
    host: GitRepository,
    writer: Callable[[str], Notes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    scheme: str,
) -> None:
    """Not to another port of the same host either; what that one would take is never told to it."""
    tls = _tls(tmp_path, monkeypatch) if scheme == "https" else None
    with served(host, "robot", CANARY, tls=tls) as (other, thief):

        def refuse(request: Handler) -> tuple[int, Mapping[str, str]] | None:
            return 302, {"Location": f"{scheme}://localhost:{other.partition(':')[2]}{request.path}"}

        with served(host, "robot", CANARY, refuse=refuse, tls=tls) as (address, handler):
            notes = writer(_url(address.replace("127.0.0.1", "localhost"), scheme=scheme))
            with pytest.raises(SourceError) as caught:
                notes.publish()
            assert handler.expected in handler.asked
            _require_secret_kept(caught.value, handler, tmp_path)
        assert set(thief.asked) <= {None}
    assert host.git("for-each-ref") == ""


def _tls(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for localhost, which git trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
