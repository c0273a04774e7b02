"""What a plan is made from, one immutable value, and for which of its models a detail is asked. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reconciler.budgets import DEFAULTS
from reconciler.contract.model_key import FreeVersions, ModelKey
from reconciler.engine.values import Desired, EventKind, Phase, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from datetime import datetime

    from reconciler.engine.values import LastCommit, LedgerEntry, ManifestRef, ObservedModel
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
        used_versions: versions by name that are in use beside those that are among these inputs.
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


def by_age(model: ObservedModel) -> tuple[int, str]:
    """The order of several models of one pair, oldest first: the first one is the one that counts."""
    return model.created_at or 0, model.model_id


def group_by_pair(models: Iterable[ObservedModel]) -> dict[ModelKey, list[ObservedModel]]:
    """Groups a registry's list; several models of one pair stand oldest first."""
    grouped: defaultdict[ModelKey, list[ObservedModel]] = defaultdict(list)
    for model in models:
        grouped[model.pair].append(model)
    for several in grouped.values():
        if len(several) > 1:
            several.sort(key=by_age)
    return dict(grouped)


class DetailRequests(NamedTuple):
    """Which models' details are asked for.

    Attributes:
        now: model ids, for this cycle.
        later: those that wait for another.
    """

    now: tuple[str, ...]
    later: frozenset[str] = frozenset()


def select_for_comparison(
    inputs: PlannerInput, *, everything: bool = False, at_most: int | None = None, chance: float = 0.0
) -> DetailRequests:
    """The models whose detail tells whether they drifted, or what became of them.

    A model that was found equal to this very manifest before needs no look, unless `everything` is to be
    looked at again. One whose verdict needs its detail never waits. Of the others those come first that were
    never compared; of those that were, any may come next. Of those that can wait, `at_most` so many are
    compared in this cycle, and `chance`, in [0, 1), says where among those that were compared before to
    begin.
    """
    needed: list[str] = []
    never: list[str] = []
    before: list[str] = []
    for pair, manifest in inputs.desired.manifests.items():
        models = inputs.observed.get(pair)
        if not models:
            continue
        model, entry = models[0], inputs.entries.get(pair)
        if entry is None:
            (never if model.stage is Stage.PUBLISHED else needed).append(model.model_id)
        elif not known_equal(manifest, model, entry):
            needed.append(model.model_id)
        elif everything or newest_status(model, None, entry)[0] is None:
            before.append(model.model_id)
    start = int(chance * len(before))
    patient = [*never, *before[start:], *before[:start]]
    limit = len(patient) if at_most is None else at_most
    return DetailRequests((*needed, *patient[:limit]), frozenset(patient[limit:]))


def known_equal(manifest: ManifestRef, model: ObservedModel, entry: LedgerEntry | None) -> bool:
    """Whether this model is remembered as made from, or found equal to, this very content."""
    return (
        remembered_content(model, entry) == manifest.digest
        and entry is not None
        and entry.last is not EventKind.DRIFTED
    )


def remembered_content(model: ObservedModel, entry: LedgerEntry | None) -> str | None:
    """The digest of the content this very model was made from or found equal to; None when not known."""
    if entry is None or entry.phase is not Phase.REGISTERED or entry.model_id != model.model_id:
        return None
    return entry.digest


def newest_status(
    model: ObservedModel, comparison: Comparison | None, entry: LedgerEntry | None
) -> tuple[str | None, Stage]:
    """The newest status known, and what it means: a list may leave it out."""
    if comparison is not None and comparison.status is not None:
        return comparison.status, comparison.stage
    if model.status is None and entry is not None and entry.model_id == model.model_id:
        return entry.model_status, entry.stage or Stage.PENDING
    return model.status, model.stage
