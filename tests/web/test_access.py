"""Who may look: by which name, and with which token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.engine.values import ModelState, Report, Verdict
from reconciler.errors import ConfigurationError
from reconciler.views.masked import without_addresses
from reconciler.web.server import Hosts
from tests.web.served import Loop, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW, OLD = "new-token-of-32-characters-length", "old-token-of-32-characters-length"
PAGES = ("/", "/api/report", "/metrics")
OPEN = ("/healthz", "/readyz")


@pytest.fixture
def locked() -> Iterator[Served]:
    """A site that asks for one of two tokens."""
    with Served(Loop(report=Report("c" * 40, "d" * 64, ()), ready=True), tokens=lambda: [NEW, OLD]) as served:
        yield served


@pytest.mark.parametrize(
    ("listened_on", "allowed", "host", "expected"),
    [
        ("127.0.0.1", None, "127.0.0.1:8321", True),
        ("127.0.0.1", None, "localhost:8321", True),
        ("127.0.0.1", None, "page.localhost", True),
        ("127.0.0.1", None, "LOCALHOST.", True),
        ("127.0.0.1", None, "[::1]:8321", True),
        ("127.0.0.1", None, "evil.example:8321", False),
        ("127.0.0.1", None, "10.0.0.1", False),
        ("127.0.0.1", None, "localhost.evil.example", False),
        ("127.0.0.1", None, "user@evil.example", False),
        ("127.0.0.1", None, "", False),
        ("127.0.0.1", None, "[", False),
        ("10.0.0.7", None, "10.0.0.7:8321", True),
        ("0.0.0.0", None, "192.168.1.5:8321", True),  # noqa: S104
        ("::", None, "[2001:db8::1]", True),
        ("0.0.0.0", None, "evil.example", False),  # noqa: S104
        ("127.0.0.1", ["models.example.com"], "models.example.com", True),
        ("127.0.0.1", ["models.example.com"], "localhost", False),
        ("127.0.0.1", ["*.example.com"], "models.example.com:443", True),
        ("127.0.0.1", ["*.example.com"], "example.com", False),
        ("127.0.0.1", ["*"], "anything", True),
        ("0.0.0.0", ["models.example.com"], "10.0.0.1", False),  # noqa: S104
    ],
)
def test_only_names_of_its_own_are_answered_to(
    listened_on: str, allowed: list[str] | None, host: str, expected: bool
) -> None:
    """What is listened on, loopback names, or what the configuration says instead."""
    assert Hosts(listened_on, allowed).know(host) is expected


def test_a_page_under_a_strange_name_reads_nothing() -> None:
    """As after DNS rebinding: 421, on every path that tells something."""
    with Served(Loop(ready=True), hosts=Hosts("127.0.0.1")) as site:
        strange = {"Host": "evil.example"}
        assert [site.client.get(path, headers=strange).status_code for path in PAGES] == [421] * 3
        assert [site.client.get(path, headers=strange).status_code for path in OPEN] == [200] * 2
        assert site.client.get("/").status_code == 200


def test_without_a_token_nothing_is_shown(locked: Served) -> None:
    """Health aside; a browser is given a form."""
    for path in (*PAGES, "/nowhere"):
        assert locked.client.get(path).status_code == 401
        assert locked.client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert locked.client.get(path, headers={"Authorization": f"Basic {NEW}"}).status_code == 401
        assert locked.client.get(path, headers={"Cookie": f"reconciler_session={NEW}"}).status_code == 401
    assert [locked.client.get(path).status_code for path in OPEN] == [200, 200]
    assert '<form method="post"' in locked.client.get("/", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize("token", [NEW, OLD])
def test_either_token_lets_in(locked: Served, token: str) -> None:
    """As a bearer header, or by the form, whose cookie does not hold the token."""
    bearer = {"Authorization": f"Bearer {token}"}
    assert [locked.client.get(path, headers=bearer).status_code for path in PAGES] == [200] * 3
    answer = locked.client.post("/login", data={"token": token})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    assert token not in cookie
    assert locked.client.get("/").status_code == 200


def test_a_wrong_login_is_refused(locked: Served) -> None:
    """Also one without a token, or with too much of one."""
    assert locked.client.post("/login", data={"token": "wrong"}).status_code == 401
    assert locked.client.post("/login", content=b"\xff\x00=%").status_code == 401
    assert locked.client.post("/login", content=b"x" * 5000).status_code == 413
    assert locked.client.get("/").status_code == 401


def test_a_cookie_ends_with_its_token() -> None:
    """Rotation locks out who came with the old one."""
    tokens = [OLD]
    with Served(Loop(), tokens=lambda: tokens) as site:
        site.client.post("/login", data={"token": OLD})
        assert site.client.get("/").status_code == 200
        tokens[:] = [NEW]
        assert site.client.get("/").status_code == 401


def test_tokens_that_cannot_be_read_let_nobody_in() -> None:
    """503, and the place is not told."""

    def unreadable() -> list[str]:
        raise ConfigurationError("web.token_file: /run/secrets/page cannot be read")

    with Served(Loop(), tokens=unreadable) as site:
        answer = site.client.get("/")
    assert (answer.status_code, "/run" in answer.text) == (503, False)


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ("A. Author <a@example.org>", "A. Author"),
        ("a@example.org", None),
        ("<a@example.org>", None),
        ("A <a@example.org", "A"),
        (None, None),
    ],
)
def test_authors_are_shown_without_their_addresses(author: str | None, shown: str | None) -> None:
    """Where the configuration says so."""
    item = ModelState("local", Verdict.FAILED, "m", "1.0.0", "m.yaml", author=author)
    (model,) = without_addresses(Report("c" * 40, "d" * 64, (item,))).items
    assert model.author == shown
