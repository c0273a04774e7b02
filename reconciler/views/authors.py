"""Authors without their addresses, for a page that others may read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.engine.trust import is_held_commit

if TYPE_CHECKING:
    from reconciler.engine.values import ModelState, Report

_ADDRESS = re.compile(r"\s*<[^>]*>?|\S+@\S+")


def without_address(author: str) -> str | None:
    """The author's name alone; one who is only an address is nobody."""
    return _ADDRESS.sub("", author).strip() or None


def without_addresses(report: Report) -> Report:
    """The same report with the names of its authors alone."""
    return replace(report, items=tuple(map(item_without_addresses, report.items)))


def item_without_addresses(item: ModelState) -> ModelState:
    """The same item; of a commit that is held, also without those in the words that say why."""
    if is_held_commit(item):
        words = (replace(reason, message=without_address(reason.message) or "") for reason in item.reasons)
        item = item._replace(reasons=tuple(words))
    return item if item.author is None else item._replace(author=without_address(item.author))
