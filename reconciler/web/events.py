"""Server-sent events: tells an open page which state is the newest, by a token, and nothing else.

A page that was made of another state fetches itself again, with its own leave; so a stream holds no state.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request

MOST_STREAMS = 100
"""At a time; who comes later asks again, and meanwhile fetches the page now and then."""

_LOOK = 0.5  # seconds
_SILENCE = 15.0  # seconds after which a line is sent that says nothing, so that a dead connection is noticed


class Events:
    """The streams of one application."""

    def __init__(self, token: Callable[[], str | None], *, most: int = MOST_STREAMS) -> None:
        self._token = token
        self._most = most
        self._open = 0

    async def stream(self, _: Request) -> Response:
        """One event at once, and one after each change, until the reader or the program goes."""
        if self._open >= self._most:
            return PlainTextResponse("too many readers\n", 503, {"Retry-After": "15"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers=headers)

    async def _changes(self) -> AsyncIterator[str]:
        self._open += 1
        try:
            said: str | None = None
            silent = 0.0
            while (token := self._token()) is not None:
                if token != said:
                    said, silent = token, 0.0
                    yield f"retry: 3000\nevent: state\ndata: {token}\n\n"
                elif silent >= _SILENCE:
                    silent = 0.0
                    yield ": still here\n\n"
                await asyncio.sleep(_LOOK)
                silent += _LOOK
        finally:
            self._open -= 1
