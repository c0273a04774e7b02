"""Authors without their addresses, for a page that others may read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.engine.values import Report

_ADDRESS = re.compile(r"\s*<[^>]*>?|\S+@\S+")


def without_address(author: str) -> str | None:
    """The author's name alone; one who is only an address is nobody."""
    return _ADDRESS.sub("", author).strip() or None


def without_addresses(found: Report) -> Report:
    """The same report with the names of its authors alone."""
    items = tuple(
        item if item.author is None else item._replace(author=without_address(item.author))
        for item in found.items
    )
    return replace(found, items=items)
