"""A second vendor: a registry with other statuses, other details and another way of comparing than ModelArts.

It is the engine's proof that it knows no vendor: whatever holds of `MemoryRegistry` holds of this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.engine.values import ObservedModel, Stage
from reconciler.engine.vendor import Vendor
from tests.engine.lax import LaxRegistry
from tests.engine.worlds import MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping


_STAGES = {"on the shelf": Stage.PUBLISHED, "broken": Stage.FAILED, "being unpacked": Stage.PENDING}
_WORDS = {"published": "on the shelf", "failed": "broken", "publishing": "being unpacked"}


def _stage(status: str | None) -> Stage:
    return _STAGES.get(status or "", Stage.PENDING)


def _status(detail: Mapping[str, Any]) -> str | None:
    word: str | None = detail.get("is")
    return word


def _comparable(
    request: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """A detail is `{"label": …, "is": status}`, where the label holds the request as it came."""
    label = detail["label"]
    return {name: value for name, value in request.items() if name in label}, label


SHELF = Vendor(
    _stage,
    _status,
    _comparable,
    lambda _request, _detail, _fields: (),
    lambda detail, _edition: (detail["label"], ()),
    is_about_project="no such shelf".__eq__,
    elsewhere="in the stacks",
    failed="the book of the shelf names the cause",
    listing="shelf:read",
)


@dataclass
class ShelfRegistry(MemoryRegistry):
    """Keeps its models as the other one does, and shows them in its own way."""

    vendor: ClassVar[Vendor] = SHELF

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
