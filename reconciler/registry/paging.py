"""A whole list from pages whose offset may count pages or items: the vendor's documents do not say which.

The second request finds out: asked for offset 1, a server that counts items repeats all but the first of
page one, a server that counts pages does not. Neither `total_count`, nor a short page, nor a list that stands
still is taken for granted; the end is a page that brings nothing new. One thing stays hidden from such an
interface: a deletion and an addition between two requests that leave the count as it was may hide one model
from one sweep. Nothing is lost by it, for an import of it would be answered with 409.

Pages that the server's count promises are asked for a few at a time and looked at in their order. Whether a
list moved is told by its counts, whichever page was made first.
"""

from __future__ import annotations

import asyncio
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import ObservedModel
    from reconciler.registry.vendor import ModelPage

    Fetch = Callable[[int], Coroutine[None, None, ModelPage]]

_MOST_SWEEPS = 3
_AT_ONCE = 8  # pages; each takes some MiB until it is read, and the server has others to answer

_identity = itemgetter(0, 1)
"""Id and pair of a model: of a list that gives one id to two pairs, neither may hide the other."""


class EndlessList(Exception):  # noqa: N818 - reads as what happened
    """A list did not end within the pages allowed."""


class Paginator:
    """One whole list being gathered; each model once, in the order first seen."""

    def __init__(self, fetch: Fetch, page_size: int, max_pages: int) -> None:
        """A list that was not asked for yet; `fetch` gives the page at an offset, whatever that counts."""
        self._fetch = fetch
        self._page_size = page_size
        self._pages_left = max_pages
        self._seen: dict[tuple[str, ModelKey], ObservedModel] = {}
        self._unusable: set[str] = set()
        self._totals: list[int] = []

    @property
    def skipped(self) -> int:
        """How many items could not be used."""
        return len(self._unusable)

    @property
    def missing(self) -> int:
        """How many items the server counted last beyond those it listed."""
        return max((self._totals[-1] if self._totals else 0) - self._gathered, 0)

    async def models(self) -> tuple[ObservedModel, ...]:
        """Every model; a list of several pages is gone through again when it seems to have moved meanwhile.

        Raises:
            EndlessList: the list does not end.
        """
        for _ in range(_MOST_SWEEPS):
            before = self._gathered
            several = await self._through()
            may_have_moved = several or len(set(self._totals)) > 1
            if self._stood_still or not may_have_moved or self._gathered == before:
                break
        return tuple(self._seen.values())

    @property
    def _gathered(self) -> int:
        return len(self._seen) + len(self._unusable)

    @property
    def _stood_still(self) -> bool:
        """Whether every page counted the same, and as many were listed."""
        return bool(self._totals) and len(set(self._totals)) == 1 and self._totals[0] > 0 and not self.missing

    async def _through(self) -> bool:
        """Goes through the list once; whether it was longer than one page, or filled it."""
        self._totals = []
        met: set[object] = set()
        first = await self._page(0)
        self._keep(first, met)
        if self._is_whole(first):
            return False
        page = await self._page(1)
        counts_items = _repeats(page, first) >= max(1, first.length // 2)
        promised = self._totals[-1] if self._totals else 0
        step, end = (first.length, promised) if counts_items else (1, -(-promised // first.length))
        offset, several = 1, first.length >= self._page_size
        ahead = _Ahead(self._page, step, end)
        try:
            while self._keep(page, met):
                several = True
                offset += page.length if counts_items else 1
                page = await ahead.page(offset)
        finally:
            await ahead.aclose()
        return several

    async def _page(self, offset: int) -> ModelPage:
        if self._pages_left <= 0:
            raise EndlessList
        self._pages_left -= 1
        return await self._fetch(offset)

    def _keep(self, page: ModelPage, met: set[object]) -> bool:
        """Adds a page; whether it holds something that this pass had not met before."""
        before = len(met)
        models = dict(zip(map(_identity, page.models), page.models, strict=True))
        met.update(models, page.unusable)
        self._seen |= models
        self._unusable.update(page.unusable)
        if page.total is not None:
            self._totals.append(page.total)
        return len(met) > before

    def _is_whole(self, first: ModelPage) -> bool:
        """Whether the first page is all: short, and neither counted nor shaped like a part of more."""
        if first.length == 0:
            return True
        if first.length >= self._page_size or self.missing:
            return False
        return bool(first.total) or first.length % 10 != 0


class _Ahead:
    """Asks for the next pages while one is waited for."""

    def __init__(self, fetch: Fetch, step: int, end: int) -> None:
        """Nothing is asked for yet, and nothing will be ahead from the offset `end` on.

        `step` is what a full page adds to the offset; after a page of another length, what was asked for
        ahead is of no use, and nothing more is.
        """
        self._fetch = fetch
        self._step = step
        self._end = end
        self._asked: dict[int, asyncio.Task[ModelPage]] = {}

    async def page(self, offset: int) -> ModelPage:
        """The page at an offset."""
        if offset in self._asked or not self._asked:
            for later in range(offset, min(self._end, offset + _AT_ONCE * self._step), self._step):
                if later not in self._asked:
                    self._asked[later] = asyncio.create_task(self._fetch(later))
        asked = self._asked.pop(offset, None)
        return await (asked or self._fetch(offset))

    async def aclose(self) -> None:
        """Gives up what was asked for and is not needed."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


def _repeats(page: ModelPage, earlier: ModelPage) -> int:
    ids = {model.model_id for model in earlier.models}
    return sum(model.model_id in ids for model in page.models)
