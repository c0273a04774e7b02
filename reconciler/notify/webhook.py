"""Webhooks, for programs: CloudEvents for any, and alerts for Prometheus' Alertmanager."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from reconciler.notify.chat import headline
from reconciler.notify.sink import post, revealed
from reconciler.printable import printable
from reconciler.views.lines import place

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.engine.episodes import Message
    from reconciler.notify.sink import Notification, Pace
    from reconciler.secret import Secret

_TYPE = "model-reconciler.model."
_PREFIX = "whsec_"


@dataclass(frozen=True, slots=True)
class WebhookSink:
    """Posts each notification to a URL as CloudEvents 1.0 in the structured JSON mode.

    Where there is a secret it is signed as the Standard Webhooks specification says.
    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """

    name: str
    pace: Pace
    url: Secret
    secret: Secret | None
    now: Callable[[], datetime]

    async def deliver(self, notification: Notification) -> None:
        """As the protocol says."""
        url = await revealed(self.url)
        secret = None if self.secret is None else await revealed(self.secret)
        body = json.dumps(event(notification), separators=(",", ":")).encode()
        moment = int(self.now().timestamp())
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": notification.notification_id,
            "webhook-timestamp": str(moment),
        }
        if secret is not None:
            headers["webhook-signature"] = signature(secret, notification.notification_id, moment, body)
        await post(url, headers, body, secret)


def signature(secret: str, notification_id: str, moment: int, body: bytes) -> str:
    """The value of `webhook-signature`, at this many seconds since the epoch, over the body as it is sent.

    `secret` is `whsec_` and base64, or any other text, which is taken as it is.
    """
    made = hmac.digest(_key(secret), f"{notification_id}.{moment}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(made).decode()}"


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def event(notification: Notification) -> dict[str, Any]:
    """The notification as a CloudEvent."""
    first = notification.messages[0]
    is_bundle = bool(notification.numbers)
    target = "" if is_bundle else f"/targets/{quote(first.subject.target, safe='', errors='replace')}"
    return {
        "specversion": "1.0",
        "id": notification.notification_id,
        "source": f"/reconciler{target}",
        "type": _TYPE + ("digest" if is_bundle else first.kind),
        **({} if is_bundle else {"subject": printable(first.subject.title)}),
        "time": notification.at.isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": _bundle(notification) if is_bundle else _data(first),
    }


def _bundle(notification: Notification) -> dict[str, Any]:
    numbers = [
        {"event": kind, "verdict": verdict, "number": number}
        for (kind, verdict), number in notification.numbers.items()
    ]
    return {
        "total": sum(notification.numbers.values()),
        "numbers": numbers,
        "first": [{"event": message.kind, **_data(message)} for message in notification.messages],
    }


def _data(message: Message) -> dict[str, Any]:
    """What is known of the model, by the names of every other output; unknown values are null."""
    facts: dict[str, Any] = {
        "target": message.subject.target,
        "model_name": message.subject.model_name,
        "model_version": message.subject.model_version,
        "verdict": message.verdict,
        "was": message.was,
        "since": message.began.isoformat(timespec="seconds"),
        "path": message.path or message.subject.path,
        "line": message.line,
        "commit": message.commit,
        "author": message.author.partition(" <")[0] if message.author else None,
        "model_id": message.model_id,
        "reasons": [],
    }
    if message.reason:
        facts["reasons"] = [{"code": message.code, "message": printable(message.reason)}]
    return {key: printable(value) if type(value) is str else value for key, value in facts.items()}


_PATH = "/api/v2/alerts"
_FAR_AWAY = timedelta(days=365)
_TRIAL = timedelta(minutes=1)
_SHORTEST = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class AlertmanagerSink:
    """Posts the messages of a notification as alerts, each of which ends when its model recovers.

    https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (version 2, `postAlerts`)

    An alert without an end is resolved by Alertmanager after its `resolve_timeout`; so one that goes on is
    given an end that is far away, and posted again now and then, since Alertmanager forgets alerts when it
    restarts.
    """

    name: str
    pace: Pace
    url: Secret

    async def deliver(self, notification: Notification) -> None:
        """As the protocol says."""
        url = await revealed(self.url)
        base = url.strip().rstrip("/").removesuffix(_PATH)
        body = json.dumps([alert(message) for message in notification.messages]).encode()
        headers = {"Content-Type": "application/json"}
        # http is usual here, inside of a cluster; the url is no secret unless it has credentials
        await post(base + _PATH, headers, body, url, in_clear="@" not in base)


def alert(message: Message) -> dict[str, Any]:
    """One message as an alert. Its labels name the model alone: what changes must not make another alert."""
    subject = message.subject
    labels = {
        "alertname": "ReconcilerTrial" if message.kind == "test" else "ModelNeedsAttention",
        "source": "reconciler",
        "severity": "warning",
        "target": subject.target,
        "model_name": subject.model_name,
        "model_version": subject.model_version,
        "path": subject.path,
    }
    annotations = {
        "summary": headline(message),
        "description": message.reason,
        "verdict": message.verdict or message.was,
        "manifest": place(message.path, message.line),
        "commit": message.commit,
        "author": message.author.partition(" <")[0] if message.author else None,
    }
    return {
        "labels": _cleaned(labels),
        "annotations": _cleaned(annotations),
        "startsAt": _moment(message.began),
        "endsAt": _moment(_end(message)),
    }


def _end(message: Message) -> datetime:
    if message.kind == "recovered":
        return max(message.at, message.began + _SHORTEST)
    return message.at + (_TRIAL if message.kind == "test" else _FAR_AWAY)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _cleaned(texts: dict[str, str | None]) -> dict[str, str]:
    return {key: printable(text) for key, text in texts.items() if text}
