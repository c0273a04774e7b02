"""What a registered model's status means."""

from __future__ import annotations

from typing import Literal

Lifecycle = Literal["pending", "published", "failed"]

_FINAL: dict[str, Lifecycle] = {"published": "published", "failed": "failed", "building_failed": "failed"}


def lifecycle(status: str | None) -> Lifecycle:
    """The vendor's status word as one of three; an unknown or absent one is still pending."""
    return _FINAL.get(status or "", "pending")
