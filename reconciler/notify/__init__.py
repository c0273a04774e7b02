"""The notify room: sends what waits in the outbox to the sinks.

    outbox ─▶ Sender (pace, bundle, back-off) ─▶ Sink ─▶ chat, mail, webhook, Alertmanager

In come the messages that the state holds; out goes each at least once, with an id that stays the same, and a
mark that it is sent. Each sink has a task of its own, so that one that is down holds up nothing else. What is
news is decided elsewhere (`reconciler.engine.episodes`). The room knows nothing of git, registries, databases
or the loop.
"""

from __future__ import annotations

from reconciler.notify.chat import AppriseSink, FeishuSink, feishu_pace
from reconciler.notify.sender import DELIVERY, Backlog, Sender
from reconciler.notify.sink import Notification, Pace, Sink, trial
from reconciler.notify.webhook import AlertmanagerSink, WebhookSink

__all__ = [
    "DELIVERY", "AlertmanagerSink", "AppriseSink", "Backlog", "FeishuSink", "Notification", "Pace", "Sender",
    "Sink", "WebhookSink", "feishu_pace", "trial",
]  # fmt: skip
