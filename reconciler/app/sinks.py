"""From `[[notify]]` to what each sink subscribes to, and to what sends to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.credentials import secret_of
from reconciler.engine.episodes import Subscription
from reconciler.errors import ConfigurationError
from reconciler.phrases import no_such

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.engine.clock import Clock
    from reconciler.notify import Backlog, Sink
    from reconciler.settings import Configuration, NotifySettings
    from reconciler.state.outbox import Outbox

ALERTS_AT_ONCE = 200
"""So many alerts one request to Alertmanager carries."""

_ALERTMANAGER_FORGETS = 300.0  # seconds; its own `resolve_timeout`, and what it may take to start again


def subscriptions_of(configuration: Configuration) -> tuple[Subscription, ...]:
    """The messages that each sink subscribes to."""
    return tuple(
        Subscription(
            sink.title,
            frozenset(configuration.settings.targets if sink.targets is None else sink.targets),
            None if sink.verdicts is None else frozenset(sink.verdicts),
            sink.models,
        )
        for sink in configuration.settings.notify
    )


def sinks_of(configuration: Configuration, clock: Clock) -> Sequence[Sink]:
    """What sends to each sink; nothing is read or opened before the first message."""
    return [sink_of(configuration, section, clock) for section in configuration.settings.notify]


def sink_of(configuration: Configuration, section: NotifySettings, clock: Clock) -> Sink:
    """What sends to one sink."""
    from reconciler import notify  # noqa: PLC0415 - only where there are sinks

    url = secret_of(configuration.base, section, "url")
    if url is None:
        raise ConfigurationError("url is missing")
    secret = secret_of(configuration.base, section, "secret")
    name, pace = section.title, notify.Pace(section.per_minute)
    match section.kind:
        case "webhook":
            return notify.WebhookSink(name, pace, url, secret, clock.now)
        case "feishu":
            return notify.FeishuSink(name, notify.feishu_pace(section.per_minute), url, secret, clock.now)
        case "alertmanager":
            pace = notify.Pace(section.per_minute, batch=ALERTS_AT_ONCE, refresh=_ALERTMANAGER_FORGETS)
            return notify.AlertmanagerSink(name, pace, url)
        case "apprise":
            return notify.AppriseSink(name, pace, url)


async def flush(
    configuration: Configuration, outbox: Outbox, clock: Clock, seconds: float, leads: Callable[[], bool]
) -> Mapping[str, Backlog]:
    """Sends what waits, for so many seconds at most, unless another process does; gives what is left."""
    if not configuration.settings.notify:
        return {}
    from reconciler.notify import Sender  # noqa: PLC0415

    sender = Sender(outbox, sinks_of(configuration, clock), clock, leads=leads)
    return await sender.flush(seconds)


def named(configuration: Configuration, name: str) -> NotifySettings:
    """The sink of that name. Raises ConfigurationError."""
    sinks = {sink.title: sink for sink in configuration.settings.notify}
    if name in sinks:
        return sinks[name]
    none = "" if sinks else "; none is configured: add a table [[notify]]"
    raise ConfigurationError(no_such("sink", name, sinks) + none)
