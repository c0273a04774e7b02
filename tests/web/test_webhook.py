from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from reconciler.web.webhook import MAX_BODY, proof_of
from tests.web.served import Loop, Served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "a shared secret, 密"  # noqa: S105 - of no use anywhere else
TOKEN = "a-shared-token"  # noqa: S105
SIGNING = "whsec_dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q="
NOW = 1_800_000_000
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
    for delivery_id in ("72d3162e-cc78-11e3-81ab-4c9367dc0958", long, line):
        assert status(site, {**signature(BODY), header: delivery_id}) == 202
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
    assert MAX_BODY >= 25_000_000
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
            b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: s\r\nContent-Length: 10\r\n\r\nab"
        )
        assert site.client.get("/healthz").status_code == 200
        raw.settimeout(5)
        assert raw.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_a_sender_that_goes_away_disturbs_nothing(site: Served) -> None:
    """Half a delivery is no delivery."""
    site.loop.secret = SECRET
    with socket.create_connection(site.address) as raw:
        raw.sendall(
            b"POST /hooks/git HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: s\r\nContent-Length: 9\r\n\r\na"
        )
    time.sleep(0.05)
    assert status(site, signature(BODY)) == 202
    assert site.loop.ticks == 1


@given(st.text(min_size=1), st.lists(st.binary(), max_size=3), st.text(st.characters(max_codepoint=255)))
def test_no_signature_or_token_made_without_the_secret_is_authentic(
    secret: str, pieces: list[bytes], guess: str
) -> None:
    """Whatever a stranger writes into the headers, it is compared and refused without an error."""
    body = b"".join(pieces)
    assert authentic(signature(body, secret), pieces, secret)
    expected = guess.encode("latin-1") == secret.encode()
    for name in ("x-gitlab-token", "x-repo-token", "x-gitee-token"):
        assert authentic({name: guess}, pieces, secret) is expected
    assert not authentic({"x-hub-signature-256": guess}, pieces, secret)
    assert not authentic({"webhook-signature": guess, "webhook-timestamp": guess}, pieces, secret)
    assert not authentic({"webhook-signature": guess, "webhook-timestamp": str(NOW)}, pieces, secret)
    assert authentic({"x-gitee-token": guess, "x-gitee-timestamp": guess}, pieces, secret) is expected


def authentic(headers: dict[str, str], pieces: list[bytes], *secrets: str) -> bool:
    """What the receiver concludes, at noon."""
    proof = proof_of(Headers(headers), secrets, NOW)
    assert proof is not None
    for piece in pieces:
        proof.update(piece)
    return proof.holds()


def standard(body: bytes, secret: str, *, moment: int = 0, name: str = "msg_1") -> dict[str, str]:
    """The headers of GitLab's signing token, made as the Standard Webhooks specification says."""
    moment = moment or int(time.time())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest()
    proof = f"v1,{base64.b64encode(made).decode()}"
    return {"webhook-id": name, "webhook-timestamp": str(moment), "webhook-signature": proof}


def gitee(secret: str, *, moment: int = 0, quoted: bool = True) -> dict[str, str]:
    """The headers of Gitee's signature, made as its document says."""
    text = str(moment or int(time.time() * 1000))
    made = hmac.new(secret.encode(), f"{text}\n{secret}".encode(), hashlib.sha256).digest()
    token = base64.b64encode(made).decode()
    return {"X-Gitee-Timestamp": text, "X-Gitee-Token": quote_plus(token) if quoted else token}


def test_the_example_of_the_standard_webhooks_specification_is_authentic() -> None:
    """An oracle that is not our own code: the specification's own vector."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    proof = proof_of(Headers(headers), ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], 1614265330)
    assert proof is not None
    proof.update(b'{"test": 2432232314}')
    assert proof.holds()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: standard(BODY, SIGNING), 202),
        (lambda: standard(BODY, SIGNING) | {"webhook-id": "msg_2"}, 401),
        (lambda: standard(b"another body", SIGNING), 401),
        (lambda: standard(BODY, SIGNING, moment=int(time.time()) - 400), 401),
        (lambda: standard(BODY, SIGNING, moment=int(time.time()) + 400), 401),
        (lambda: gitee(SIGNING), 202),
        (lambda: gitee(SIGNING, quoted=False), 202),
        (lambda: {"X-Gitee-Token": SIGNING, "X-Gitee-Timestamp": "1"}, 202),
        (lambda: gitee("another"), 401),
        (lambda: gitee(SIGNING, moment=int(time.time() * 1000) - 3_700_000), 401),
        (lambda: {"X-Repo-Token": SIGNING}, 202),
        (lambda: {"X-Repo-Token": "another"}, 401),
        (lambda: {"X-Auth-Token": SIGNING}, 401),
    ],
)
def test_each_host_is_heard_as_it_documents_its_proof(
    site: Served, make: Callable[[], dict[str, str]], code: int
) -> None:
    """GitLab's signing token, Gitee's signature and password, CodeArts' token."""
    site.loop.secret = SIGNING
    assert status(site, make()) == code
    assert site.loop.ticks == (code == 202)


def test_two_secrets_are_good_while_one_is_replaced(site: Served) -> None:
    """One a line; a third one is not."""
    site.loop.secret = "new-secret\nold-secret\nforgotten-secret\n"  # noqa: S105
    codes = [status(site, signature(BODY, secret)) for secret in site.loop.secret.split()]
    codes += [status(site, {"X-Gitlab-Token": secret}) for secret in site.loop.secret.split()]
    assert codes == [202, 202, 401, 202, 202, 401]


@pytest.mark.parametrize("header", ["X-GitHub-Delivery", "X-Gitea-Delivery", "Idempotency-Key"])
def test_a_delivery_that_comes_again_does_nothing(site: Served, header: str) -> None:
    """By its name, where the host gives one; 200, so that the host is content."""
    site.loop.secret = TOKEN
    token = {"X-Gitlab-Token": TOKEN}
    assert [status(site, token | {header: name}) for name in ("1", "1", "2")] == [202, 200, 202]
    assert [d.result for d in site.loop.deliveries] == ["accepted", "repeated", "accepted"]
    assert site.loop.ticks == 2


def test_a_delivery_whose_name_or_time_is_signed_cannot_be_played_back(site: Served) -> None:
    """GitLab's signing token covers the name; Gitee has none, and its signed time stands for it."""
    site.loop.secret = SIGNING
    for made in (standard(BODY, SIGNING), gitee(SIGNING)):
        assert [status(site, made), status(site, made)] == [202, 200]
    assert site.loop.ticks == 2


def test_a_name_that_a_stranger_used_is_still_free(site: Served) -> None:
    """Only what was authentic is remembered."""
    site.loop.secret = SECRET
    name = {"X-GitHub-Delivery": "1"}
    assert status(site, signature(b"no") | name) == 401
    assert status(site, signature(BODY) | name) == 202


def test_a_refused_delivery_is_told_with_its_sender(site: Served) -> None:
    """For the log and the metrics."""
    site.loop.secret = SECRET
    assert status(site, {"X-Gitlab-Token": "wrong"}) == 401
    (delivery,) = site.loop.deliveries
    assert (delivery.result, delivery.sender) == ("refused", "127.0.0.1")
    assert delivery.reason
    assert SECRET not in repr(delivery)
