"""What a registered model's status means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Lifecycle = Literal["pending", "published", "failed"]

_FINAL: dict[str, Lifecycle] = {"published": "published", "failed": "failed", "building_failed": "failed"}


def lifecycle(status: str | None) -> Lifecycle:
    """The vendor's status word as one of three; an unknown or absent one is still pending."""
    return _FINAL.get(status or "", "pending")


def status_of(detail: Mapping[str, Any]) -> str | None:
    """The status word of a model's detail; None where it has none."""
    status = detail.get("model_status")
    return status if isinstance(status, str) else None
