from __future__ import annotations

import hashlib
import hmac
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from reconciler.web.webhook import MAX_BODY, is_authentic
from tests.web.served import Loop, Served

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "a shared secret, 密"  # noqa: S105 - of no use anywhere else
TOKEN = "a-shared-token"  # noqa: S105
BODY = b'{"ref": "refs/heads/main"}'


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The header that GitHub and Gitea send."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}"}


def status(site: Served, headers: dict[str, str], body: bytes = BODY) -> int:
    """The answer to one delivery."""
    return site.client.post("/hooks/git", content=body, headers=headers).status_code


def test_a_signed_delivery_asks_for_a_tick(site: Served) -> None:
    """GitHub, Gitea, Forgejo."""
    site.loop.secret = SECRET
    assert status(site, signature(BODY)) == 202
    assert site.loop.ticks == 1


@pytest.mark.parametrize("header", ["X-GitHub-Delivery", "X-Gitea-Delivery", "X-Gitlab-Event-UUID"])
def test_a_tick_is_asked_for_in_the_name_of_the_delivery(site: Served, header: str) -> None:
    """Its id where it is one, and the address it came from."""
    site.loop.secret = SECRET
    long, line = "a" * 65, "id; rm"
    for told in ("72d3162e-cc78-11e3-81ab-4c9367dc0958", long, line):
        assert status(site, {**signature(BODY), header: told}) == 202
    address = site.address[0]
    delivery = f"webhook delivery 72d3162e-cc78-11e3-81ab-4c9367dc0958 from {address}"
    assert site.loop.senders == [delivery, f"webhook from {address}", f"webhook from {address}"]


def test_a_delivery_with_the_token_asks_for_a_tick(site: Served) -> None:
    """GitLab."""
    site.loop.secret = TOKEN
    assert status(site, {"X-Gitlab-Token": TOKEN}) == 202
    assert site.loop.ticks == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signature(b"another body"),
        signature(BODY, "another secret"),
        {"X-Hub-Signature-256": signature(BODY)["X-Hub-Signature-256"].removeprefix("sha256=")},
        {"X-Hub-Signature-256": ""},
        {"X-Hub-Signature": "sha1=" + hmac.new(SECRET.encode(), BODY, "sha1").hexdigest()},
        {"X-Gitlab-Token": "wrong"},
        {"X-Gitlab-Token": ""},
    ],
)
def test_a_delivery_that_is_not_authentic_is_refused(site: Served, headers: dict[str, str]) -> None:
    """No tick, and the answer does not say what was wrong."""
    site.loop.secret = SECRET
    assert status(site, headers) == 401
    assert site.loop.ticks == 0


def test_a_wrong_signature_is_not_made_good_by_a_right_token(site: Served) -> None:
    """A signed delivery is judged by its signature."""
    site.loop.secret = TOKEN
    assert status(site, signature(BODY, "wrong") | {"X-Gitlab-Token": TOKEN}) == 401


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_there_is_no_webhook(site: Served, secret: str | None) -> None:
    """The answer is that of a path that does not exist; an empty secret is none."""
    site.loop.secret = secret
    answer = site.client.post("/hooks/git", content=BODY, headers=signature(BODY, ""))
    elsewhere = site.client.post("/hooks/nowhere", content=BODY)
    assert (
        (answer.status_code, answer.content)
        == (elsewhere.status_code, elsewhere.content)
        == (404, b"Not Found")
    )


def test_a_secret_that_cannot_be_read_refuses_for_now(site: Served) -> None:
    """Nothing is heard, and the place of the secret is not told to strangers."""
    site.loop.secret_is_unreadable = True
    answer = site.client.post("/hooks/git", content=BODY, headers=signature(BODY))
    assert answer.status_code == 503
    assert "/run/secrets" not in answer.text
    assert site.loop.ticks == 0


def test_a_rotated_secret_counts_at_once(site: Served) -> None:
    """No restart is needed."""
    site.loop.secret = TOKEN
    assert status(site, signature(BODY)) == 401
    site.loop.secret = SECRET
    assert status(site, signature(BODY)) == 202


def test_a_body_up_to_the_limit_is_heard_and_a_larger_one_is_not(site: Served) -> None:
    """One byte decides."""
    site.loop.secret = SECRET
    full = b"x" * MAX_BODY
    assert status(site, signature(full), full) == 202
    assert status(site, signature(full + b"x"), full + b"x") == 413
    assert site.loop.ticks == 1


def test_a_body_without_a_length_is_cut_off_at_the_limit(site: Served) -> None:
    """A chunked delivery cannot fill the memory either."""
    site.loop.secret = SECRET

    def chunks() -> Iterator[bytes]:
        for _ in range(MAX_BODY // 65_536 + 1):
            yield b"x" * 65_536

    assert site.client.post("/hooks/git", content=chunks(), headers=signature(b"")).status_code == 413


def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    """A sender that stalls loses its connection, and others are served meanwhile."""
    with Served(Loop(secret=SECRET), body_seconds=0.2) as site, socket.create_connection(site.address) as raw:
        raw.sendall(
            b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: t\r\nContent-Length: 10\r\n\r\nab"
        )
        assert site.client.get("/healthz").status_code == 200
        raw.settimeout(5)
        assert raw.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_sender_that_goes_away_disturbs_nothing(site: Served) -> None:
    """Half a delivery is no delivery."""
    site.loop.secret = SECRET
    with socket.create_connection(site.address) as raw:
        raw.sendall(b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: t\r\nContent-Length: 9\r\n\r\na")
    time.sleep(0.05)
    assert status(site, signature(BODY)) == 202
    assert site.loop.ticks == 1


@given(st.text(min_size=1), st.binary(), st.text(st.characters(max_codepoint=255)))
def test_no_signature_or_token_made_without_the_secret_is_authentic(
    secret: str, body: bytes, guess: str
) -> None:
    """Whatever a stranger writes into the headers, it is compared and refused without an error."""
    assert is_authentic(secret, Headers(signature(body, secret)), body)
    assert not is_authentic(secret, Headers({"x-hub-signature-256": guess}), body)
    known = guess.encode("latin-1") == secret.encode()
    assert is_authentic(secret, Headers({"x-gitlab-token": guess}), body) is known
