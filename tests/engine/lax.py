"""A registry that promises less than the vendor's: what it lets through, the client alone must prevent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from reconciler.contract import ModelKey
from reconciler.errors import OutcomeUnknown
from tests.engine.worlds import Crash, MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from reconciler.engine.values import Created, ObservedModel
    from tests.engine.worlds import World

SECRET = "hunter2-of-the-registry"  # noqa: S105 - planted, so that it can be looked for
LAG = 3.0  # seconds until a list shows a new model; less than the settling wait
LONG_LAG = 20.0  # longer than the settling wait, and with DELAY less than a call may take
DELAY = 9.0  # seconds until a call is carried out that was not answered


@dataclass
class LaxRegistry(MemoryRegistry):
    """Shows new models late and, when `unique` is off, takes a pair twice: the client alone must not send it.

    Attributes:
        lag: seconds until a list shows a new model.
        late: calls that are still to be carried out, and when.
        reposted: pairs that were sent although they were registered.
    """

    world: World | None = None
    unique: bool = True
    lag: float = LAG
    late: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    token: str = SECRET
    reposted: list[ModelKey] = field(default_factory=list)
    strangers: int = 0
    _made: dict[str, float] = field(default_factory=dict)

    async def list_models(self) -> Sequence[ObservedModel]:
        self.carry_out()
        return [model for model in await super().list_models() if self._is_shown(model.model_id)]

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        self.carry_out()
        return await super().detail(model_id)

    def carry_out(self) -> None:
        """Does what was asked for some time ago and is due by now."""
        due = [(moment, request) for moment, request in self.late if moment <= self._elapsed]
        self.late = [(moment, request) for moment, request in self.late if moment > self._elapsed]
        for moment, request in due:
            if self.unique and pair_of(request) in self.rows():
                continue
            model_id = f"l-{len(self._made)}"
            self.models[model_id] = {**request, "model_id": model_id, "model_status": self.status}
            self._made[model_id] = moment

    @property
    def _elapsed(self) -> float:
        return self.world.elapsed if self.world else 0.0

    async def create(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> Created:
        self.carry_out()
        pair = ModelKey(request["model_name"], request["model_version"])
        if self.faults and self.faults[0] in ("late", "late crash"):
            return await self._put_off(request, intent)
        before = set(self.models)
        there = {model_id: model for model_id, model in self.models.items() if pair_of(model) == pair}
        self.reposted += [pair] * bool(there)
        if not self.unique:
            for model_id in there:
                del self.models[model_id]
        try:
            return await super().create(request, intent)
        finally:
            self._made |= dict.fromkeys(set(self.models) - before, self._elapsed)
            self.models = there | self.models

    async def _put_off(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> NoReturn:
        await intent()
        self.calls.append(pair_of(request))
        self.reposted += [pair_of(request)] * (pair_of(request) in self.rows())
        self.late.append((self._elapsed + DELAY, dict(request)))
        if self.faults.pop(0) == "late crash":
            raise Crash
        raise OutcomeUnknown("connection lost", method="POST", path="/v1/p/models")

    def add(self, pair: ModelKey, description: str) -> None:
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

    def rows(self) -> list[ModelKey]:
        """The pair of every row."""
        return [pair_of(model) for model in self.models.values()]

    def _is_shown(self, model_id: str) -> bool:
        return self._elapsed >= self._made.get(model_id, -self.lag) + self.lag


def pair_of(model: Mapping[str, Any]) -> ModelKey:
    """The pair of a registered model."""
    return ModelKey(model["model_name"], model["model_version"])
