"""A registry that promises less than the vendor's: what it lets through, the client alone must prevent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.contract import Pair
from tests.engine.worlds import MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.values import Created, ObservedModel
    from tests.engine.worlds import World

SECRET = "hunter2-of-the-registry"  # noqa: S105 - planted, so that it can be looked for
LAG = 3.0  # seconds until a list shows a new model; less than the settling wait


@dataclass
class LaxRegistry(MemoryRegistry):
    """Shows new models late and, when `unique` is off, takes a pair twice: the client alone must not send it.

    Attributes:
        reposted: pairs that were sent although they were registered.
    """

    world: World | None = None
    unique: bool = True
    token: str = SECRET
    reposted: list[Pair] = field(default_factory=list)
    strangers: int = 0
    _made: dict[str, float] = field(default_factory=dict)

    async def list_models(self) -> Sequence[ObservedModel]:
        return [model for model in await super().list_models() if self._is_shown(model.model_id)]

    async def create(self, request: Mapping[str, Any]) -> Created:
        pair = Pair(request["model_name"], request["model_version"])
        before = set(self.models)
        there = {model_id: model for model_id, model in self.models.items() if pair_of(model) == pair}
        self.reposted += [pair] * bool(there)
        if not self.unique:
            for model_id in there:
                del self.models[model_id]
        try:
            return await super().create(request)
        finally:
            elapsed = self.world.elapsed if self.world else 0.0
            self._made |= dict.fromkeys(set(self.models) - before, elapsed)
            self.models = there | self.models

    def add(self, pair: Pair, description: str) -> None:
        """Somebody else registers a model, for all to see at once."""
        self.strangers += 1
        model_id = f"s-{self.strangers}"
        self.models[model_id] = {
            "model_id": model_id,
            "model_name": pair.model_name,
            "model_version": pair.model_version,
            "model_type": "TensorFlow",
            "description": description,
            "model_status": "published",
            "source_location": f"https://models.obs.myhwclouds.com/{pair.model_name}",
        }

    def rows(self) -> list[Pair]:
        """The pair of every row."""
        return [pair_of(model) for model in self.models.values()]

    def _is_shown(self, model_id: str) -> bool:
        elapsed = self.world.elapsed if self.world else 0.0
        return elapsed >= self._made.get(model_id, -LAG) + LAG


def pair_of(model: Mapping[str, Any]) -> Pair:
    """The pair of a registered model."""
    return Pair(model["model_name"], model["model_version"])
