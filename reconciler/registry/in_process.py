"""A registry that lives in this very process is reached by calling it, not through a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def in_process(application: ASGIApp) -> httpx.AsyncBaseTransport:
    """Carries requests straight to an ASGI application."""
    return httpx.ASGITransport(application)
