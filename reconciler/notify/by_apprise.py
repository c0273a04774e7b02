"""Chat and mail through apprise, a library that knows more than a hundred services; the extra `notify`.

https://appriseit.com/services/ says what the URL of each looks like.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from reconciler.errors import SinkError
from reconciler.notify import wording
from reconciler.notify.sink import revealed
from reconciler.threads import in_a_thread

if TYPE_CHECKING:
    from reconciler.notify.sink import Notification, Pace
    from reconciler.registry.secret import Secret

_MISSING = "apprise is not installed: pip install 'model-reconciler[notify]'"

for _name in ("apprise", "urllib3", "requests"):  # they log parts of URLs, which are secrets here
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class AppriseSink:
    """Has apprise send each notification; in a thread, since it blocks."""

    name: str
    pace: Pace
    url: Secret

    async def deliver(self, notification: Notification) -> None:
        """As the protocol says."""
        url = await revealed(self.url)
        try:
            problem = await in_a_thread(lambda: _send(url, notification), "apprise")
        except Exception as error:  # noqa: BLE001 - whatever a service's module raises; its words may hold the url
            problem = f"unexpected {type(error).__name__}"
        if problem is not None:
            raise SinkError(problem)


def _send(url: str, notification: Notification) -> str | None:
    """What went wrong, in words that hold nothing of the URL but its scheme."""
    try:
        import apprise  # noqa: PLC0415 - an extra, and slow
    except ImportError:
        return _MISSING
    scheme = unquote(url.partition("://")[0])
    service = scheme if scheme.isalnum() and len(scheme) < 20 else "the service"  # noqa: PLR2004
    client = apprise.Apprise()
    if not client.add(url):
        return "apprise knows no service with such a url: see https://appriseit.com/services/"
    kinds = {"attention": apprise.NotifyType.FAILURE, "recovered": apprise.NotifyType.SUCCESS}
    kind = apprise.NotifyType.WARNING if notification.numbers else kinds.get(notification.messages[0].kind)
    sent = client.notify(
        body=wording.text(notification),
        title=wording.title(notification),
        notify_type=kind or apprise.NotifyType.INFO,
        body_format=apprise.NotifyFormat.TEXT,
    )
    return None if sent else f"{service} did not take it: check the url, and that the service is up"
