"""Documents that are rendered once and shared by everybody who asks, each in their turn.

Visitors who ask again and again take a small part of the processor, and leave the rest to the cycles. All
threads of a process share one core: who asks as soon as there is an answer would have half of it, and a cycle
would wait for its turn after each of its hundreds of steps.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass
from operator import is_
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from starlette.requests import Request


_SHARE = 0.1  # of a core
_SAVED = 0.5  # processor seconds that may be taken at once after a pause: a hundred visitors of a page
_SHORTEST = 0.01  # seconds: to wait for less would take as much as it saves
_DEBT = 0.5  # processor seconds at most that are waited for, however much was taken


class Pace:
    """Has those wait who come while visitors have had their share; used in the event loop of the server."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing has been taken yet.

        `spent`: processor seconds of the thread of the event loop, which sends all answers.
        """
        self._clock, self._spent_so_far, self._sleep = clock, spent, sleep
        self._left = _SAVED
        self._seen: tuple[float, float] | None = None
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Waits until something is left of the share; who came first goes first."""
        async with self._turn:
            while (left := self._refilled()) < 0:
                await self._sleep(max(-left / _SHARE, _SHORTEST))

    def charge(self, seconds: float) -> None:
        """Takes processor seconds that another thread spent on an answer."""
        self._left -= seconds

    def _refilled(self) -> float:
        now, spent = self._clock(), self._spent_so_far()
        before = self._seen or (now, spent)
        self._left += (now - before[0]) * _SHARE - (spent - before[1])
        self._left = max(-_DEBT, min(self._left, _SAVED))
        self._seen = now, spent
        return self._left


_KEPT = 16  # documents
_LEVEL = 5  # of compression; more takes twice the time for a few per cent


@dataclass(frozen=True, slots=True)
class Document:
    """One rendered document."""

    plain: bytes
    packed: bytes
    etag: str

    def answer(self, request: Request, media_type: str) -> Response:
        """304 where the client has it already, otherwise its bytes, compressed for whom takes that."""
        headers = {"ETag": self.etag, "Vary": "Accept-Encoding", "Cache-Control": "private, no-cache"}
        tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
        if self.etag in tags:
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(self.plain, headers=headers, media_type=media_type)
        return Response(self.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=media_type)


class Rendered:
    """The documents that were asked for last; one is rendered at a time, in a thread.

    A hundred visitors who come at once wait for one rendering, and so many different questions take turns, so
    that the event loop always has its share of the processor.
    """

    def __init__(self, charge: Callable[[float], None]) -> None:
        """Nothing is rendered yet; `charge` is called with the processor seconds of each rendering."""
        self._charge = charge
        self._kept: OrderedDict[Hashable, tuple[tuple[object, ...], Document]] = OrderedDict()
        self._turn = asyncio.Lock()

    async def get(self, key: Hashable, basis: tuple[object, ...], render: Callable[[], str]) -> Document:
        """The document of this key.

        The key holds everything that it depends on but for what it is rendered from: other objects in `basis`
        make another document.
        """
        async with self._turn:
            held = self._kept.get(key)
            if held is None or not all(map(is_, held[0], basis)):
                document, seconds = await run_in_threadpool(_made, render)
                self._charge(seconds)
                held = self._kept[key] = (basis, document)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return held[1]


def _made(render: Callable[[], str]) -> tuple[Document, float]:
    """The document, and the processor seconds that it took."""
    began = time.thread_time()
    plain = render().encode()
    tag = hashlib.sha256(plain).hexdigest()[:32]
    document = Document(plain, gzip.compress(plain, _LEVEL, mtime=0), f'"{tag}"')
    return document, time.thread_time() - began
