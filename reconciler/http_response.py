"""What a web server answered, for rooms that send nothing themselves; `reconciler.registry.post` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class HttpResponse(Protocol):
    """One answer, whole or its beginning."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def retry_after(self) -> float | None:
        """Seconds that it asks to wait."""

    @property
    def body(self) -> bytes:
        """The body, or the beginning of it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, by name in small letters."""
