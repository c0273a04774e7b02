"""A receiver on a real socket that keeps what it gets and answers as a test says."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.relay import Answer, Relay, Request, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TAKEN = Answer(200, b'{"code": 0, "msg": "success"}')


class Receiver(Relay):
    """Answers each request by `answers`, the last of them again and again."""

    @property
    def bodies(self) -> list[Any]:
        """What came, read as JSON."""
        return [json.loads(request.body) for request in self.requests]

    @property
    def ids(self) -> list[str]:
        """The `webhook-id` of what came."""
        return [header(request, "webhook-id") for request in self.requests]


@contextmanager
def receiving(*answers: Answer, judge: Callable[[Request], Answer] | None = None) -> Iterator[Receiver]:
    """A receiver while the block runs.

    Args:
        answers: one after the other; by default, everything is taken.
        judge: decides by the request, instead.
    """
    left = list(answers or [TAKEN])

    def answer(request: Request, _: object) -> Answer:
        return judge(request) if judge else left.pop(0) if len(left) > 1 else left[0]

    with serving(Receiver("", answer)) as receiver:
        assert isinstance(receiver, Receiver)
        yield receiver


def header(request: Request, name: str) -> str:
    """One header of a request."""
    return next(value for key, value in request.headers.items() if key.lower() == name)
