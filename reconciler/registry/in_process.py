"""A registry that lives in this very process is reached by calling it, not through a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from starlette.types import ASGIApp


def in_process(application: ASGIApp) -> httpx.AsyncBaseTransport:
    """Carries requests straight to an ASGI application."""
    import httpx  # noqa: PLC0415 - slow

    return httpx.ASGITransport(application)
