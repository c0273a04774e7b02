"""A registry's list in one word, by which it is recognised when nothing in it has moved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.engine.planner_input import PlannerInput
    from reconciler.engine.values import ModelState, ObservedModel

_NOT_THERE = ""


def list_digest(models: Iterable[ObservedModel]) -> str:
    """Differs when any model, its pair or its status differs; the order given does not matter."""
    lines = sorted(repr((model.model_id, *model.pair, model.status)) for model in models)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def standing_list(view: PlannerInput, items: Iterable[ModelState]) -> str | None:
    """The digest of the list that a cycle saw; None where what the cycle did has made it another."""
    models = [model for several in view.observed.values() for model in several]
    status = {model.model_id: model.status for model in models}
    moved = (
        item.model_id is not None and status.get(item.model_id, _NOT_THERE) not in (None, item.model_status)
        for item in items
    )
    return None if any(moved) else list_digest(models)
