"""`doctor` against a target that asks for credentials: each thing that can be wrong, by name, and once."""

from __future__ import annotations

import select
import socket
import socketserver
import ssl
import subprocess
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.embedded import AccountKeys, EmbeddedSettings, Faults, running
from tests.vendor.logins import (
    NAMES,
    Way,
    access_key,
    fleet_of,
    password,
    target,
    temporary,
    token,
    way_of,
)
from tests.vendor.served import ACCESS_KEY, GUARDED, PROJECT, SECRET_KEY, Served, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.program import Done, Fleet


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One registry with credentials for all tests."""
    with served(tmp_path_factory.mktemp("registry"), GUARDED) as registry:
        yield registry


def worst(done: Done) -> dict[str, Any]:
    """The one finding that is an error."""
    (error,) = (finding for finding in done.json if finding["level"] == "error")
    assert done.code == error["exit_code"]
    assert error["remedy"]
    return dict(error)


def doctor(fleet: Fleet) -> Done:
    """What it says, with a manifest in place; the journal stays empty."""
    fleet.declare("a@1.0.0")
    done = fleet("doctor", "--output", "json")
    assert not (fleet.folder / ".reconciler").exists()
    return done


@pytest.mark.parametrize("name", NAMES)
def test_good_credentials_pass_and_nothing_is_created(name: str, guarded: Served, tmp_path: Path) -> None:
    """Address, TLS, clock, then a list: no model and no state come of it."""
    fleet = fleet_of(tmp_path / "repository", guarded.url, way_of(name, guarded.url))
    done = doctor(fleet)
    assert done.code == 0
    findings = [(f["check"], f["level"]) for f in done.json if f["target"] == "prod"]
    assert findings[2:] == [("address", "ok"), ("tls", "ok"), ("clock", "ok"), ("registry", "ok")]
    assert "lists 0 models" in done.json[-1]["message"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: access_key("SK-canary-wrong"),
        lambda: temporary(token="ST-canary-wrong"),  # noqa: S106 - nobody's
        lambda: token("TOKEN-canary-wrong"),
        lambda: password("PW-canary-wrong"),
    ],
    ids=NAMES,
)
def test_wrong_credentials_are_told_after_one_attempt(
    make: Callable[[], Way], guarded: Served, tmp_path: Path
) -> None:
    """Which target, which key of the configuration; the secret is not shown."""
    before = guarded.refusals()
    done = doctor(fleet_of(tmp_path / "repository", guarded.url, make()))
    error = worst(done)
    assert (error["check"], error["exit_code"]) == ("credentials", 3)
    assert "targets.prod.auth" in error["remedy"]
    assert guarded.refusals() == before + 1
    assert "canary" not in done.out + done.err


def test_a_secret_that_is_not_there_is_told_with_its_place(guarded: Served, tmp_path: Path) -> None:
    """Nothing is sent."""
    before = guarded.refusals()
    fleet = fleet_of(tmp_path / "repository", guarded.url, access_key())
    (fleet.folder / "secrets" / "sk").unlink()
    error = worst(doctor(fleet))
    assert error["check"] == "credentials"
    assert "secrets/sk" in error["message"]
    assert guarded.refusals() == before


@pytest.mark.parametrize("name", ["aksk", "token"])
def test_a_wrong_project_is_told_apart_from_wrong_credentials(
    name: str, guarded: Served, tmp_path: Path
) -> None:
    """400 or 403 ModelArts.0210."""
    way = way_of(name, guarded.url)
    fleet = fleet_of(tmp_path / "repository", guarded.url, way)
    fleet.configure(target(guarded.url, way).replace(PROJECT, "f" * 32))
    error = worst(doctor(fleet))
    assert (error["check"], error["exit_code"]) == ("project", 3)
    assert "targets.prod.project_id" in error["remedy"]


def test_a_missing_permission_names_it(tmp_path: Path) -> None:
    """403 ModelArts.0108 to a list."""
    rule = {"method": "GET", "path": "/v1/*", "action": "reply", "status": 403, "code": "ModelArts.0108"}
    settings = EmbeddedSettings(
        auth=AccountKeys(access_keys={ACCESS_KEY: SECRET_KEY}),
        faults=Faults.model_validate({"rules": [rule]}),
    )
    with running(settings) as url:
        error = worst(doctor(fleet_of(tmp_path / "repository", url, access_key())))
    assert error["check"] == "permission"
    assert "modelarts:model:list" in error["remedy"]


@pytest.mark.parametrize("offset", [-1200, 1200])
def test_a_clock_that_is_off_is_told_before_anything_is_signed(offset: int, tmp_path: Path) -> None:
    """The registry's `Date` is enough; a signature would only count as a failure."""
    with served(tmp_path / "registry", f"clock_offset = {offset}\n{GUARDED}") as registry:
        error = worst(doctor(fleet_of(tmp_path / "repository", registry.url, access_key())))
        assert registry.refusals() == 0
    assert (error["check"], "clock" in error["remedy"]) == ("clock", True)


def test_a_port_that_nobody_listens_on(tmp_path: Path) -> None:
    """Connection refused, with the key that names it."""
    error = worst(doctor(fleet_of(tmp_path / "repository", "http://127.0.0.1:9", access_key())))
    assert "refused" in error["message"]
    assert "targets.prod.endpoint" in error["remedy"]


def test_an_identity_service_that_is_not_there_is_told_by_its_own_key(
    guarded: Served, tmp_path: Path
) -> None:
    """A login has an endpoint of its own, which is looked at too."""
    fleet = fleet_of(tmp_path / "repository", guarded.url, password())
    text = (fleet.folder / "reconciler.toml").read_text("utf-8")
    fleet.configure(text.replace(f'iam_endpoint = "{guarded.url}"', 'iam_endpoint = "http://127.0.0.1:9"'))
    error = worst(doctor(fleet))
    assert "targets.prod.auth.iam_endpoint" in error["remedy"]


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """TLS on loopback, self-signed: refused, and nothing is sent."""
    with _tls(tmp_path) as (url, asked):
        done = doctor(fleet_of(tmp_path / "repository", url, access_key()))
        error = worst(done)
    assert (error["check"], error["exit_code"]) == ("tls", 3)
    assert "self-signed" in error["message"]
    assert "SSL_CERT_FILE" in error["remedy"]
    assert asked == []


def test_a_certificate_that_ssl_cert_file_vouches_for_is_accepted(tmp_path: Path) -> None:
    """By the doctor as by the client, which then finds that this is no registry."""
    with _tls(tmp_path) as (url, asked):
        fleet = fleet_of(tmp_path / "repository", url, access_key())
        fleet.declare("a@1.0.0")
        fleet.environment["SSL_CERT_FILE"] = str(tmp_path / "cert.pem")
        done = fleet.process("doctor", "--output", "json")
    assert ("tls", "ok") in [(finding["check"], finding["level"]) for finding in done.json]
    assert worst(done)["check"] == "registry"
    assert "GET" in asked


def test_a_certificate_that_is_not_trusted_is_told_with_what_to_do(tmp_path: Path) -> None:
    """By `plan`, too: whom this program trusts and which variable changes that; nothing is sent."""
    with _tls(tmp_path) as (url, asked):
        fleet = fleet_of(tmp_path / "repository", url, access_key())
        fleet.declare("a@1.0.0")
        done = fleet.process("plan")
        assert done.code == 3
        assert "the certificate of localhost is signed by an authority that is not trusted here" in done.err
        assert "Set SSL_CERT_FILE to a PEM file" in done.err
        fleet.environment["SSL_CERT_FILE"] = str(tmp_path / "cert.pem")
        fleet.configure((fleet.folder / "reconciler.toml").read_text().replace("//localhost", "//127.0.0.1"))
        done = fleet.process("plan")
    assert done.code == 3
    assert "the certificate is for another name than 127.0.0.1" in done.err
    assert "correct the endpoint's host" in done.err
    assert asked == []


def test_a_proxy_that_stands_between_is_named_where_tls_fails(tmp_path: Path) -> None:
    """Without its password: it may be the one that signs."""
    with _tls(tmp_path) as (url, _), _proxy(url) as proxy:
        fleet = fleet_of(tmp_path / "repository", "https://registry.invalid", access_key())
        fleet.declare("a@1.0.0")
        fleet.environment["HTTPS_PROXY"] = proxy.replace("//", "//user:canary@")
        done = fleet.process("plan")
    assert done.code == 3
    assert f"through the proxy {proxy.removeprefix('http://')} of HTTPS_PROXY" in done.err
    assert "SSL_CERT_FILE" in done.err
    assert "canary" not in done.err


class _Tunnel(socketserver.BaseRequestHandler):
    """Connects every tunnel to one server, as a proxy that opens TLS does."""

    def handle(self) -> None:
        self.request.recv(65536)
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with socket.create_connection(self.server.behind) as server:  # type: ignore[attr-defined]
            other = {self.request: server, server: self.request}
            while True:
                for ready in select.select(list(other), [], [], 10)[0]:
                    if not (data := ready.recv(65536)):
                        return
                    other[ready].sendall(data)


@contextmanager
def _proxy(url: str) -> Iterator[str]:
    """A proxy behind which there is only the server of `url`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Tunnel) as server:
        server.behind = ("127.0.0.1", int(url.rpartition(":")[2]))  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(BaseHTTPRequestHandler):
    """Answers everything with an empty page."""

    def do_GET(self) -> None:
        self.server.asked.append(self.command)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def _tls(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """An HTTPS server with a certificate of its own making; the methods that it was asked with."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    command += ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with HTTPServer(("127.0.0.1", 0), _Quiet) as server:
        server.asked = []  # type: ignore[attr-defined]
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}", server.asked  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
