"""Authors without their addresses, for a page that others may read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.engine.values import Report

_ADDRESS = re.compile(r"\s*<[^>]*>?|\S+@\S+")


def without_addresses(found: Report) -> Report:
    """The same report with the names of its authors alone; an author who is only an address is nobody."""
    items = tuple(
        item if item.author is None else item._replace(author=_ADDRESS.sub("", item.author).strip() or None)
        for item in found.items
    )
    return replace(found, items=items)
