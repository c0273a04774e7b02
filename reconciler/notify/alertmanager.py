"""Prometheus' Alertmanager, by version 2 of its API: an alert for each model, ended when it recovers.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (`postAlerts`)

An alert without an end is resolved by Alertmanager after its `resolve_timeout`; so one that goes on is given
an end that is far away, and posted again now and then, since Alertmanager forgets alerts when it restarts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.notify import wording
from reconciler.notify.sink import post, revealed
from reconciler.printable import printable
from reconciler.views.lines import place

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.engine.episodes import Message
    from reconciler.notify.sink import Notification, Pace
    from reconciler.registry.secret import Secret

_PATH = "/api/v2/alerts"
_FAR_AWAY = timedelta(days=365)
_TRIAL = timedelta(minutes=1)
_SHORTEST = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class AlertmanagerSink:
    """Posts the messages of a notification as alerts."""

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
        "summary": wording.headline(message),
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
