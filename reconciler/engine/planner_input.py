"""What a plan is made from: one immutable value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.budgets import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Desired, LastCommit, LedgerEntry, ObservedModel
    from reconciler.engine.vendor import Comparison


@dataclass(frozen=True, slots=True)
class PlannerInput:
    """Everything one target's plan is made from.

    Everything may be about all models or about some; a verdict depends on nothing but its own pair, except
    for the advice on a drifted one, which depends on the versions of its name that are taken.

    Attributes:
        observed: registered models by pair.
        comparisons: of declared with registered, by model id, for those that `select_for_comparison` chose.
        unread: why a model's detail could not be read, by model id.
        unasked: why it could not be asked whether a pair is registered.
        later: ids of models that are compared in a later cycle: there are too many for one.
        uncompared_ids: ids by pair of models that an earlier cycle saw registered, without anything else
            being remembered.
        entries: the ledger.
        last_commits: by path and line, the commit that gave the document its content.
        used_versions: versions by name that are in use beside those that this view shows.
        most_faults: so many problems of manifests are told; the others are counted.
        now: timezone-aware UTC.
    """

    target: str
    desired: Desired
    now: datetime
    observed: Mapping[ModelKey, Sequence[ObservedModel]] = field(default_factory=dict)
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    unasked: Mapping[ModelKey, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()
    uncompared_ids: Mapping[ModelKey, str] = field(default_factory=dict)
    entries: Mapping[ModelKey, LedgerEntry] = field(default_factory=dict)
    last_commits: Mapping[tuple[str, int], LastCommit] = field(default_factory=dict)
    used_versions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    most_faults: int = DEFAULTS.faults
