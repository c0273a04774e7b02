"""A second vendor: a registry with other statuses, other details and another way of comparing than ModelArts.

It is the engine's proof that it knows no vendor: whatever holds of `MemoryRegistry` holds of this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.engine.values import ObservedModel, Stage
from reconciler.engine.vendor import FieldComparison, FieldState
from tests.engine.lax import LaxRegistry
from tests.engine.worlds import MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.engine.vendor import Vendor

_STAGES = {"on the shelf": Stage.PUBLISHED, "broken": Stage.FAILED, "being unpacked": Stage.PENDING}
_WORDS = {"published": "on the shelf", "failed": "broken", "publishing": "being unpacked"}


class ShelfVendor:
    """A detail is `{"label": …, "is": status}`, where the label holds the request as it came."""

    def stage(self, status: str | None) -> Stage:
        return _STAGES.get(status or "", Stage.PENDING)

    def status(self, detail: Mapping[str, Any]) -> str | None:
        word: str | None = detail.get("is")
        return word

    def comparable(
        self, request: Mapping[str, Any], detail: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        label = detail["label"]
        return {name: value for name, value in request.items() if name in label}, label

    def side_by_side(
        self, request: Mapping[str, Any], detail: Mapping[str, Any], fields: Iterable[str]
    ) -> tuple[FieldComparison, ...]:
        label = detail.get("label", {})
        both = (name for name in fields if name in request or name in label)
        return tuple(
            FieldComparison(name, request.get(name), label.get(name), FieldState.EQUAL) for name in both
        )


@dataclass
class ShelfRegistry(MemoryRegistry):
    """Keeps its models as the other one does, and shows them in its own way."""

    vendor: ClassVar[Vendor] = ShelfVendor()

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        label = dict(await super().detail(model_id))
        del label["model_id"]
        return {"is": _WORDS[label.pop("model_status")], "label": label}

    def _listed(self, model_id: str) -> ObservedModel:
        model = super()._listed(model_id)
        word = _WORDS[str(model.status)]
        return model._replace(status=word, stage=self.vendor.stage(word))


@dataclass
class LaxShelf(ShelfRegistry, LaxRegistry):
    """The same with new models that are shown late."""
