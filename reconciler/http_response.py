"""What a web server answered, for rooms that send nothing themselves; `reconciler.registry.post` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class HttpResponse(NamedTuple):
    """One answer.

    Attributes:
        retry_after: seconds that it asks to wait, or None.
        body: whole, or its beginning.
        headers: by name in small letters.
    """

    status: int
    retry_after: float | None
    body: bytes
    headers: Mapping[str, str]
