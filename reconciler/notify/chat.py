"""Chat and mail, for people: a notification in words, through apprise or to a bot of Feishu.

Everything from outside is cleaned.
"""

from __future__ import annotations

import base64
import hmac
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from reconciler.engine.episodes import HELD
from reconciler.engine.values import Verdict
from reconciler.errors import SinkError
from reconciler.notify.sink import Pace, post, revealed
from reconciler.printable import printable
from reconciler.threads import in_a_thread
from reconciler.times import shown_time
from reconciler.views.lines import place
from reconciler.views.masked import excerpt
from reconciler.views.words import WORDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.engine.episodes import Message
    from reconciler.notify.sink import Notification
    from reconciler.secret import Secret

_LISTED = 20  # messages of a bundle that are written out


def title(notification: Notification) -> str:
    """One line."""
    if notification.numbers:
        return f"{sum(notification.numbers.values())} models: {_numbers(notification)}"
    return headline(notification.messages[0])


def text(notification: Notification) -> str:
    """The lines below the title."""
    if not notification.numbers:
        return "\n".join(_lines(notification.messages[0]))
    lines = [_short(message) for message in notification.messages[:_LISTED]]
    left = sum(notification.numbers.values()) - len(lines)
    return "\n".join([*lines, f"and {left} more: `reconciler status`"] if left else lines)


def headline(message: Message) -> str:
    """The message in one line."""
    name = printable(f"{message.subject.title} ({message.subject.target})")
    if message.kind == "test":
        return "reconciler: a trial message"
    if message.subject.model_name is None and Verdict.REFUSED in (message.verdict, message.was):
        word = (
            "the newest commit is not trusted and is held"
            if message.verdict
            else "no commit is held any more"
        )
        return f"{name}: {word}"
    if message.kind == "attention":
        return f"{name} is {message.verdict}"
    if message.verdict is None:
        return f"{name} is no longer declared; it was {message.was}"
    ended = "recovered" if message.verdict not in HELD else f"is {message.verdict} now"
    return f"{name} {ended}; it was {message.was}"


def _lines(message: Message) -> list[str]:
    lines = [f"{message.verdict}: {WORDS[message.verdict].meaning}"] if message.verdict else []
    lines += [printable(message.reason)] if message.reason else []
    lines += [printable(place(message.path, message.line))] if message.path else []
    if message.commit:
        by = f" by {printable(message.author.partition(' <')[0])}" if message.author else ""
        lines.append(f"commit {printable(message.commit[:12])}{by}")
    lines += [f"model id {printable(message.model_id)}"] if message.model_id else []
    word = "since" if message.kind == "attention" else "from"
    until = f" to {shown_time(message.at)}" if message.kind == "recovered" else ""
    return [*lines, f"{word} {shown_time(message.began)}{until}"]


def _short(message: Message) -> str:
    why = f": {printable(message.reason)}" if message.reason and message.kind == "attention" else ""
    return headline(message) + why


def _numbers(notification: Notification) -> str:
    parts = []
    for (kind, verdict), number in notification.numbers.items():
        now = verdict or "no longer declared"
        parts.append(f"{number} {now}" if kind == "attention" else f"{number} recovered ({now})")
    return ", ".join(parts)


_MISSING = "apprise is not installed: pip install 'model-reconciler[notify]'"

for _name in ("apprise", "urllib3", "requests"):  # they log parts of URLs, which are secrets here
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class AppriseSink:
    """Has apprise send each notification; in a thread, since it blocks. The extra `notify`.

    It knows more than a hundred services; https://appriseit.com/services/ says what their URLs look like.
    """

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
        body=text(notification),
        title=title(notification),
        notify_type=kind or apprise.NotifyType.INFO,
        body_format=apprise.NotifyFormat.TEXT,
    )
    return None if sent else f"{service} did not take it: check the url, and that the service is up"


_LARGEST = 20_000 - 200  # bytes of a body, without what is around its text
_A_MINUTE = 90  # of 100: a bundle and a repetition come on top
_GAP = 0.25  # seconds: four a second, of five


def feishu_pace(per_minute: int) -> Pace:
    """What Feishu allows (see `FeishuSink`), or fewer single messages a minute."""
    return Pace(min(per_minute, _A_MINUTE), gap=_GAP)


@dataclass(frozen=True, slots=True)
class FeishuSink:
    r"""Posts each notification as a text message, to a custom bot of Feishu or Lark.

    https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: a body of 20 kB at most, 5 requests a
    second and 100 a minute; the signature is the base64 HMAC-SHA256 of nothing, with the key
    `timestamp\nsecret`; an answer with status 200 may carry an error's code.
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
        words = f"{title(notification)}\n{text(notification)}"
        content: dict[str, Any] = {"msg_type": "text", "content": {"text": _fitting(words)}}
        if secret is not None:
            moment = int(self.now().timestamp())
            content = {"timestamp": str(moment), "sign": _signature(secret, moment), **content}
        body = json.dumps(content, ensure_ascii=False).encode()
        answer = await post(url, {"Content-Type": "application/json; charset=utf-8"}, body, secret)
        if _code(answer.body) != 0:
            raise SinkError(
                f"Feishu refused it{excerpt(answer.body, url, secret)}", retry_after=answer.retry_after
            )


def _signature(secret: str, moment: int) -> str:
    """The value of `sign`, at this many seconds since the epoch."""
    return base64.b64encode(hmac.digest(f"{moment}\n{secret}".encode(), b"", "sha256")).decode()


def _fitting(text: str) -> str:
    """The text, cut to what a body may hold."""
    if _written(text) <= _LARGEST:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _written(text[:middle]) < _LARGEST - 3 else (low, middle - 1)
    return text[:low] + "…"


def _written(text: str) -> int:
    """Bytes of the text inside a body."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def _code(body: bytes) -> object:
    """The code of the answer, 0 for success; older bots name it otherwise."""
    try:
        answer = json.loads(body)
        return answer["code"] if "code" in answer else answer["StatusCode"]
    except (KeyError, TypeError, ValueError):
        return None
