"""Each sink speaks its receiver's protocol: receivers that verify what they get, and real ones."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import Headers

from reconciler.engine.episodes import Subject
from reconciler.engine.values import Verdict
from reconciler.errors import SinkError
from reconciler.notify import (
    AlertmanagerSink,
    FeishuSink,
    Notification,
    Pace,
    WebhookSink,
    feishu_pace,
    trial,
)
from reconciler.notify.sink import headline
from reconciler.notify.webhook import event
from reconciler.secret import GivenSecret
from reconciler.web.webhook import proof_of
from tests.notify.receiving import TAKEN, header, receiving
from tests.notify.samples import NOON, notification
from tests.relay import Answer, Request, said

if TYPE_CHECKING:
    from reconciler.engine.episodes import MessageKind
    from reconciler.notify import Sink

KEY = b"0123456789abcdef0123456789abcdef"
WHSEC = f"whsec_{base64.b64encode(KEY).decode()}"
CANARY = "canary-of-a-hook"


def deliver(sink: Sink, payload: Notification | None = None) -> None:
    asyncio.run(sink.deliver(payload or notification()))


def webhook(url: str, secret: str | None = WHSEC) -> WebhookSink:
    given = None if secret is None else GivenSecret(secret)
    return WebhookSink("oncall", Pace(10), GivenSecret(url), given, lambda: datetime.now(UTC))


def feishu(url: str, signed_with: str = "s3cret") -> FeishuSink:
    secret = GivenSecret(signed_with)
    return FeishuSink("oncall", feishu_pace(200), GivenSecret(url), secret, lambda: datetime.now(UTC))


def test_a_webhook_gets_a_cloud_event() -> None:
    """Version 1.0, in the structured mode; unknown values are null."""
    with receiving() as receiver:
        deliver(webhook(receiver.url))
        (came,) = receiver.bodies
        assert header(receiver.requests[0], "content-type").startswith("application/cloudevents+json")
    assert came == {
        "specversion": "1.0",
        "id": notification().notification_id,
        "source": "/reconciler/targets/prod",
        "type": "model-reconciler.model.attention",
        "subject": "mnist@1.0.0",
        "time": "2026-11-23T12:00:00.000+00:00",
        "datacontenttype": "application/json",
        "data": {
            "target": "prod",
            "model_name": "mnist",
            "model_version": "1.0.0",
            "verdict": "failed",
            "was": None,
            "since": "2026-11-23T12:00:00+00:00",
            "path": None,
            "line": None,
            "commit": None,
            "author": None,
            "model_id": None,
            "reasons": [{"code": "X.1", "message": "the registry says no"}],
        },
    }


def test_the_document_shows_the_event_that_is_sent() -> None:
    """Every key of it, and no other."""
    text = (Path(__file__).parents[2] / "docs/notifications.md").read_text("utf-8")
    shown = json.loads(text.partition("```json\n")[2].partition("```")[0])
    sent = event(notification())
    assert list(shown) == list(sent)
    assert list(shown["data"]) == list(sent["data"])
    assert list(shown["data"]["reasons"][0]) == list(sent["data"]["reasons"][0])


@pytest.mark.parametrize(("secret", "key"), [(WHSEC, KEY), ("any other text", b"any other text")])
def test_a_webhook_is_signed_as_standard_webhooks_says(secret: str, key: bytes) -> None:
    """By the receiver's own arithmetic, and by the verifier of this program's own webhook."""
    with receiving() as receiver:
        deliver(webhook(receiver.url, secret))
        (request,) = receiver.requests
    signed = f"{header(request, 'webhook-id')}.{header(request, 'webhook-timestamp')}.".encode()
    made = hmac.new(key, signed + request.body, hashlib.sha256).digest()
    assert header(request, "webhook-signature") == f"v1,{base64.b64encode(made).decode()}"
    proof = proof_of(Headers(request.headers), [secret], datetime.now(UTC).timestamp())
    assert proof is not None
    proof.update(request.body)
    assert proof.holds()


def test_text_from_outside_is_shown_and_cannot_act() -> None:
    """Control characters and bytes that are no UTF-8 arrive as escapes, in every kind."""
    hostile = notification(reason="\x1b[31mred\u202e\n", path="models.d/\udcff.yaml", author="\x07 <a@b>")
    with receiving() as receiver:
        for sink in (webhook(receiver.url), feishu(receiver.url), alertmanager(receiver.url)):
            deliver(sink, hostile)
        text = "".join(request.body.decode() for request in receiver.requests)
    assert "\\\\x1b[31mred" in text
    assert not {character for character in json.loads(json.dumps(text)) if not character.isprintable()}


@pytest.mark.parametrize(
    ("answer", "words", "wait"),
    [
        (Answer(503, b"down", retry_after=7), "HTTP 503: down", 7.0),
        (Answer(302), "HTTP 302", None),
        (Answer(0), "no answer", None),
        (said(401, {"error": f"no such hook /{CANARY}"}), "HTTP 401", None),
    ],
)
def test_what_was_not_taken_is_an_error_without_the_url(
    answer: Answer, words: str, wait: float | None
) -> None:
    """`Retry-After` comes with it; a redirect is not followed."""
    with receiving(answer) as receiver:
        with pytest.raises(SinkError, match=words) as caught:
            deliver(webhook(f"{receiver.url}/{CANARY}"))
        assert caught.value.retry_after == wait
        assert len(receiver.requests) == 1
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://example.org/" + CANARY, CANARY, "ftp://x/" + CANARY, "https://"])
def test_a_url_that_cannot_be_used_is_said_without_repeating_it(url: str) -> None:
    """Clear text to another machine, or no URL at all."""
    with pytest.raises(SinkError, match="its url") as caught:
        deliver(webhook(url))
    assert CANARY not in str(caught.value)


def _feishu_judges(request: Request) -> Answer:
    """A bot with signature verification, as Feishu documents it."""
    content = json.loads(request.body)
    key = f"{content['timestamp']}\ns3cret".encode()
    sign = base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    fresh = abs(int(content["timestamp"]) - datetime.now(UTC).timestamp()) < 3600
    if content["sign"] != sign or not fresh:
        return said(200, {"code": 19021, "msg": "sign match fail or timestamp is not within one hour"})
    if len(request.body) > 20_000:
        return said(200, {"code": 9499, "msg": "Bad Request"})
    assert content["msg_type"] == "text"
    return TAKEN


@pytest.mark.parametrize(
    ("kind", "verdict", "said"),
    [("attention", Verdict.REFUSED, "is not trusted and is held"), ("recovered", None, "no commit is held")],
)
def test_a_message_about_a_held_commit_is_about_the_commit(
    kind: MessageKind, verdict: Verdict | None, said: str
) -> None:
    """And about no model of which nobody knows the name."""
    (sample,) = notification(verdict=verdict, was=None if verdict else Verdict.REFUSED).messages
    message = replace(sample, kind=kind, subject=Subject("prod", None, None, "models.d"))
    assert headline(message).startswith("models.d (prod): ")
    assert said in headline(message)


def test_feishu_gets_a_text_that_is_signed_as_it_wants() -> None:
    """HMAC-SHA256 over nothing; its key is the time, a line end and the secret."""
    with receiving(judge=_feishu_judges) as receiver:
        deliver(feishu(receiver.url))
        text = receiver.bodies[0]["content"]["text"]
    assert text.startswith("mnist@1.0.0 (prod) is failed\n")
    assert "the registry says no" in text


def test_an_answer_of_feishu_with_status_200_may_be_a_refusal() -> None:
    """As of a signature made with another secret."""
    with (
        receiving(judge=_feishu_judges) as receiver,
        pytest.raises(SinkError, match="19021"),
    ):
        deliver(feishu(receiver.url, "another"))


@pytest.mark.parametrize("character", ["a", "模", '"'])
def test_a_text_for_feishu_is_cut_to_20_kb(character: str) -> None:
    """Counted in bytes, as it is written."""
    with receiving(judge=_feishu_judges) as receiver:
        deliver(feishu(receiver.url), notification(reason=character * 30_000))
        assert 19_500 < len(receiver.requests[0].body) <= 20_000


def test_feishu_gets_fewer_than_its_limits_whatever_is_configured() -> None:
    """5 a second, 100 a minute."""
    pace = feishu("https://x").pace
    assert pace.per_minute < 100
    assert pace.gap > 1 / 5


def alertmanager(url: str) -> AlertmanagerSink:
    return AlertmanagerSink("oncall", Pace(10, batch=200), GivenSecret(url))


def test_alertmanager_gets_an_alert_that_ends_when_the_model_recovers() -> None:
    """The labels name the model alone, so that the alert is the same one."""
    good = notification(verdict=Verdict.IN_SYNC, at=datetime.now(UTC))
    recovered = Notification("x", NOON, (_recovered(good),))
    with receiving(Answer(200)) as receiver:
        deliver(alertmanager(receiver.url))
        deliver(alertmanager(f"{receiver.url}/api/v2/alerts"), recovered)
        assert [request.target for request in receiver.requests] == ["/api/v2/alerts"] * 2
        (bad,), (end,) = receiver.bodies
    assert bad["labels"] == end["labels"] == {
        "alertname": "ModelNeedsAttention",
        "source": "reconciler",
        "severity": "warning",
        "target": "prod",
        "model_name": "mnist",
        "model_version": "1.0.0",
    }  # fmt: skip
    assert bad["startsAt"] == end["startsAt"] == "2026-11-23T12:00:00.000+00:00"
    assert datetime.fromisoformat(end["endsAt"]) <= datetime.now(UTC) < datetime.fromisoformat(bad["endsAt"])


def _recovered(payload: Notification) -> Any:
    from dataclasses import replace  # noqa: PLC0415

    return replace(payload.messages[0], kind="recovered", was=Verdict.FAILED)


def test_no_secret_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the libraries below log, at any level."""
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        deliver(webhook(f"{receiver.url}/{CANARY}", "another-" + CANARY), trial("oncall", NOON))
    assert CANARY not in caplog.text
    assert CANARY not in repr(webhook(f"https://x/{CANARY}", CANARY))
