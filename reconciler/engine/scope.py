"""The scope of a cycle: all models, or those of which something may have changed since the last one.

Both come to the same, so this is a matter of cost alone; whatever makes that doubtful makes it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.options import Target
    from reconciler.engine.target_run import Cycle

STANDING = "standing"
"""The mark of a target that says of which commit its remembered verdicts are, and by which rules."""


def standing(target: Target, commit: str) -> str:
    """The value of that mark: what remembered verdicts were made from."""
    return f"{commit} {target.rules}"


def scope_of(cycle: Cycle, target: Target, declared: DesiredState) -> frozenset[ModelKey] | None:
    """The models to judge; None for all of them.

    What git changed, what is not at rest, and what was never compared. Verdicts are remembered of one commit:
    where the index begins at another, nobody knows what has changed.
    """
    options, due_times = cycle.options, cycle.due_times
    if options.whole or options.refresh or due_times.full_look_is_due(target) or declared.base is None:
        return None
    if cycle.marks.marks(target.name).get(STANDING) != standing(target, declared.base):
        return None
    if cycle.states.are_fewer(target.name, target.judge_all_below):
        return None
    # a cycle with something to import leaves comparing to the next: nobody waits for that
    is_due = not declared.touched and due_times.comparing_is_due(target)
    return declared.touched.union(
        cycle.journal.by_manifest_path(target.name, declared.changed),
        cycle.states.not_at_rest(target.name),
        (entry.pair for entry in cycle.journal.pending(target.name)),
        cycle.states.uncompared(target.name, target.compare_at_most) if is_due else (),
    )
