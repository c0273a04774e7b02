"""Who declares one pair, and why it is not declared where a manifest tries to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.faults import conflict_reasons
from reconciler.engine.lineage import RECONCILED
from reconciler.engine.target_run import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import Target
    from reconciler.engine.ports import Ledger, Source
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


def claims_of_all(
    source: Source, ledger: Ledger, targets: Iterable[Target], commit: str, pair: ModelKey
) -> Claims:
    """What the manifests of all targets say of the pair at a commit."""
    reconciled = ledger.marks(REPOSITORY).get(RECONCILED)
    claims = []
    for target in targets:
        state = desired_state(
            source, target.index, target.reader, commit, credited=False, reconciled=reconciled
        )
        claims.append(claims_of(target.name, pair, state.desired([pair])))
    return Claims(
        frozenset().union(*(one.targets for one in claims)),
        tuple(dict.fromkeys(reason for one in claims for reason in one.obstacles)),
    )


def claims_of(target: str, pair: ModelKey, desired: Desired) -> Claims:
    """What one target's manifests say of the pair."""
    if pair in desired.manifests:
        return Claims(frozenset([target]))
    conflicts = conflict_reasons(pair, desired.conflicts.get(pair, ()))
    invalid = (
        reason
        for document in desired.invalid
        if (document.model_name, document.model_version) == tuple(pair)
        for reason in document.reasons
        if reason.severity == "error"
    )
    return Claims(frozenset(), (*conflicts[:1], *invalid))
