"""What a plan is made from: one immutable value."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.budgets import DEFAULTS
from reconciler.contract.model_key import FreeVersions
from reconciler.engine.values import Desired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import LastCommit, LedgerEntry, ObservedModel
    from reconciler.engine.vendor import Comparison


@dataclass(frozen=True)  # without slots, for what is made once
class PlannerInput:
    """Everything one target's plan is made from.

    Everything may be about all models or about some; a verdict depends on nothing but its own pair, except
    for the advice on a drifted one, which depends on the versions of its name that are taken.

    Attributes:
        comparisons: of declared with registered, by model id, for those that `select_for_comparison` chose.
        unread: why a model's detail could not be read, by model id.
        unasked: why it could not be asked whether a pair is registered.
        later: ids of models that are compared in a later cycle: there are too many for one.
        uncompared_ids: ids by pair of models that an earlier cycle saw registered, without anything else
            being remembered.
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

    def free_version(self, name: str, version: str) -> str | None:
        """The first version of a name after this one that is not in use; None where there is none."""
        free = self._free_versions.get(name)
        if free is None:
            free = self._free_versions[name] = FreeVersions(self._taken_versions.get(name, ()))
        return free.after(version)

    @cached_property
    def _free_versions(self) -> dict[str, FreeVersions]:
        """Those of the names that were asked for. Kept: any number of versions of a name may have drifted."""
        return {}

    @cached_property
    def _taken_versions(self) -> Mapping[str, AbstractSet[str]]:
        """The versions by name that are in use. Made once: any number of models may have drifted."""
        taken = defaultdict(set, {name: set(versions) for name, versions in self.used_versions.items()})
        for keys in (self.observed, self.desired.manifests, self.desired.conflicts, self.entries):
            for name, version in keys:
                taken[name].add(version)
        return taken


def without_models(view: PlannerInput) -> PlannerInput:
    """The same target at the same moment."""
    return PlannerInput(view.target, Desired({}), view.now)
