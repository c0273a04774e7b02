"""Who declares one pair, and why it is not declared where a manifest tries to. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.faults import conflict_reasons

if TYPE_CHECKING:
    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Desired
    from reconciler.manifest import Reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What manifests say of one pair.

    Attributes:
        targets: the names of the targets in which exactly one valid manifest declares it.
        obstacles: why others do not: they claim it more than once, or are invalid.
    """

    targets: frozenset[str]
    obstacles: tuple[Reason, ...] = ()


def claims_of(target: str, pair: ModelKey, desired: Desired) -> Claims:
    """What one target's manifests say of the pair."""
    if pair in desired.manifests:
        return Claims(frozenset([target]))
    conflicts = conflict_reasons(pair, desired.conflicts.get(pair, ()))
    invalid = (
        reason
        for found in desired.invalid
        if (found.model_name, found.model_version) == tuple(pair)
        for reason in found.reasons
        if reason.severity == "error"
    )
    return Claims(frozenset(), (*conflicts[:1], *invalid))
