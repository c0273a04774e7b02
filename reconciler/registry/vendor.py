"""Implements `reconciler.engine.vendor.Vendor` for ModelArts, and for what speaks its document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.contract import comparable, lifecycle, status_of
from reconciler.engine.values import Stage
from reconciler.registry.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.engine.vendor import FieldComparison

NEW = "publishing"
"""The status of a model from the moment its import was answered (section 5 of the API reference)."""


class ModelArts:
    """The vendor's rules, as the contract room has them."""

    def stage(self, status: str | None) -> Stage:
        """As the port says."""
        return Stage(lifecycle(status))

    def status(self, detail: Mapping[str, Any]) -> str | None:
        """As the port says."""
        return status_of(detail)

    def comparable(
        self, request: Mapping[str, Any], detail: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """As the port says."""
        return comparable(request, detail)

    def side_by_side(
        self, request: Mapping[str, Any], detail: Mapping[str, Any], fields: Iterable[str]
    ) -> tuple[FieldComparison, ...]:
        """As the port says."""
        return side_by_side(request, detail, fields)


MODELARTS = ModelArts()
