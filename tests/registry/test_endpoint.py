"""Where requests go: proxies of the environment, never for loopback, and TLS that is always checked."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.errors import ConfigurationError, RegistryUnavailable
from reconciler.network import proxy_for
from reconciler.registry import Limits, ModelArtsRegistry, RegistryAuth
from reconciler.registry.endpoint import parse_endpoint
from reconciler.registry.tls import usual_authorities
from tests.registry.driving import QUICK
from tests.registry.scripted import answer, serving

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:1",
        "http://127.8.9.1",
        "http://[::1]:9",
        "http://a.localhost",
        "https://h:8443/base/",
    ],
)
def test_loopback_may_be_plain_and_the_rest_is_https(endpoint: str) -> None:
    """Judged by the name or address as written; nothing is resolved."""
    assert str(parse_endpoint(endpoint)).rstrip("/") == endpoint.rstrip("/")


def test_a_name_that_only_looks_like_loopback_is_not() -> None:
    """`localhost.example.com` and `127.0.0.1.example.com` are elsewhere."""
    for host in ("localhost.example.com", "127.0.0.1.example.com", "0.0.0.0", "169.254.169.254"):  # noqa: S104 - data
        with pytest.raises(ConfigurationError, match="unencrypted"):
            parse_endpoint(f"http://{host}")


def test_the_environments_proxy_is_used_except_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS_PROXY and NO_PROXY, in their usual meaning."""
    for name in ("https_proxy", "no_proxy", "all_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert proxy_for("https", "a.example") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert proxy_for("https", "a.example") == "http://proxy.example:3128"
    assert proxy_for("https", "inside.example") is None
    assert proxy_for("https", "localhost") is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_a_certificate_that_nobody_vouches_for_is_an_error_and_nothing_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says so; with trust given, the same server is used."""
    certificate, tls = _localhost(tmp_path)

    async def main() -> None:
        async with serving(lambda _: answer(200, {"models": []}), tls) as server:
            url = server.url.replace("http://127.0.0.1", "https://localhost")
            try:
                with pytest.raises(RegistryUnavailable, match="certificate"):
                    await _list(url)
                assert not server.requests
                monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
                usual_authorities.cache_clear()
                assert await _list(url) == ()
            finally:
                usual_authorities.cache_clear()

    asyncio.run(main())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
def test_an_authority_that_is_added_to_the_file_is_trusted_without_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client that was refused goes on, also when the file was away for a moment."""
    certificate, tls = _localhost(tmp_path)
    (tmp_path / "other").mkdir()
    another, _ = _localhost(tmp_path / "other")
    bundle = tmp_path / "bundle.pem"
    shutil.copy(another, bundle)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))

    async def main() -> None:
        async with serving(lambda _: answer(200, {"models": []}), tls) as server:
            url = server.url.replace("http://127.0.0.1", "https://localhost")
            registry = ModelArtsRegistry(
                url, "p", auth=RegistryAuth(), limits=Limits(**QUICK | {"read_attempts": 1})
            )
            for change in (lambda: None, bundle.unlink, lambda: shutil.copy(certificate, bundle)):
                change()
                with pytest.raises(RegistryUnavailable, match="certificate"):
                    await registry.list_models()
            assert await registry.list_models() == ()
            await registry.aclose()

    usual_authorities.cache_clear()
    try:
        asyncio.run(main())
    finally:
        usual_authorities.cache_clear()


def _localhost(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that signs itself, and the context of a server that has it."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
    )
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return certificate, tls


async def _list(url: str, **settings: Any) -> Any:
    registry = ModelArtsRegistry(url, "p", auth=RegistryAuth(), limits=Limits(**QUICK), **settings)
    try:
        return await registry.list_models()
    finally:
        await registry.aclose()
