"""How far an import is whose status was stored: each target's vendor says so when it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.contract import lifecycle
from reconciler.engine.values import Stage

StageOf = Callable[[str | None], Stage]


def _usual(status: str | None) -> Stage:
    return Stage(lifecycle(status))


@dataclass(frozen=True, slots=True)
class Stages:
    """What a stored status means.

    A status is stored in the vendor's word alone, so that a word which is understood better one day is so for
    what was stored before.

    Attributes:
        by_target: of targets that are configured; every other one has ModelArts' words, such as in a state
            that is looked after without a configuration.
    """

    by_target: Mapping[str, StageOf] = field(default_factory=dict)

    def __call__(self, target: str, status: str | None) -> Stage:
        """The stage of a model of this target."""
        return self.by_target.get(target, _usual)(status)
