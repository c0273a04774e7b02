"""A registry's list in one word, by which it is recognised when nothing in it has moved."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.engine.values import ObservedModel


def list_digest(models: Iterable[ObservedModel]) -> str:
    """Differs when any model, its pair or its status differs; the order given does not matter."""
    told = sorted(repr((model.model_id, *model.pair, model.status)) for model in models)
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogatepass")).hexdigest()
