r"""A custom bot of Feishu or Lark, with its signature and its limits.

https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot: a body of 20 kB at most, 5 requests a
second and 100 a minute; the signature is the base64 HMAC-SHA256 of nothing, with the key `timestamp\nsecret`;
an answer with status 200 may carry an error's code.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.errors import SinkError
from reconciler.notify import wording
from reconciler.notify.sink import Pace, post, revealed
from reconciler.views.masked import excerpt

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from reconciler.notify.sink import Notification
    from reconciler.registry.secret import Secret

_LARGEST = 20_000 - 200  # bytes of a body, without what is around its text
_A_MINUTE = 90  # of 100: a digest and a repetition come on top
_GAP = 0.25  # seconds: four a second, of five


@dataclass(frozen=True, slots=True)
class FeishuSink:
    """Posts each notification as a text message."""

    name: str
    per_minute: int
    url: Secret
    secret: Secret | None
    now: Callable[[], datetime]

    @property
    def pace(self) -> Pace:
        """What Feishu allows, or less."""
        return Pace(min(self.per_minute, _A_MINUTE), gap=_GAP)

    async def deliver(self, notification: Notification) -> None:
        """As the protocol says."""
        url = await revealed(self.url)
        secret = None if self.secret is None else await revealed(self.secret)
        text = f"{wording.title(notification)}\n{wording.text(notification)}"
        content: dict[str, Any] = {"msg_type": "text", "content": {"text": fitting(text)}}
        if secret is not None:
            moment = int(self.now().timestamp())
            content = {"timestamp": str(moment), "sign": signature(secret, moment), **content}
        body = json.dumps(content, ensure_ascii=False).encode()
        answer = await post(url, {"Content-Type": "application/json; charset=utf-8"}, body, secret)
        if _code(answer.body) != 0:
            raise SinkError(
                f"Feishu refused it{excerpt(answer.body, url, secret)}", retry_after=answer.retry_after
            )


def signature(secret: str, moment: int) -> str:
    """The value of `sign`, at this many seconds since the epoch."""
    return base64.b64encode(hmac.digest(f"{moment}\n{secret}".encode(), b"", "sha256")).decode()


def fitting(text: str) -> str:
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
