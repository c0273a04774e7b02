"""What a cycle looks at: which models, what is due although git did not change, and when.

To judge all models gives the same verdicts as to judge those of which something may have changed since the
last cycle, so this decides cost alone. In doubt, all models are judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.engine.clock import Clock, due_at
from reconciler.engine.values import Phase
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.desired_state import DesiredState
    from reconciler.engine.ports import Journal, Marks, ModelStates
    from reconciler.engine.target import Target
    from reconciler.engine.target_run import Cycle

VERDICTS_BASIS = "standing"
"""The mark of a target that says from which commit its stored verdicts were made, and by which rules.

The name is the one that states have it stored by.
"""

OBSERVED_IN_FULL = "observed-in-full-at"
COMPARED = "compared-at"
"""The marks of a target that say when these were last done."""

_COMPARE_AFTER = timedelta(seconds=1)  # a cycle with something to import leaves comparing to the next
_COMPARE_AGAIN = timedelta(seconds=30)  # a registry is not asked for thousands of details in a row
_LOOK_AGAIN = timedelta(seconds=30)  # for what could not be settled although it was due


def verdicts_basis(target: Target, commit: str) -> str:
    """The value of that mark: what remembered verdicts were made from."""
    return f"{commit} {target.rules}"


def scope_of(cycle: Cycle, target: Target, declared: DesiredState) -> frozenset[ModelKey] | None:
    """The models to judge; None for all of them.

    What git changed, what is not at rest, and what was never compared. Verdicts are remembered of one commit:
    where the index is of another commit, it is not known what has changed.
    """
    options, due_times = cycle.options, cycle.due_times
    if options.whole or options.refresh or due_times.full_look_is_due(target) or declared.base is None:
        return None
    if cycle.marks.marks(target.name).get(VERDICTS_BASIS) != verdicts_basis(target, declared.base):
        return None
    if cycle.states.are_fewer(target.name, target.judge_all_below):
        return None
    # a cycle with something to import leaves comparing to the next one, so that the import does not wait
    is_due = not declared.touched and due_times.comparing_is_due(target)
    return declared.touched.union(
        cycle.journal.by_manifest_path(target.name, declared.changed),
        cycle.states.not_at_rest(target.name),
        (entry.pair for entry in cycle.journal.pending(target.name)),
        cycle.states.uncompared(target.name, target.compare_at_most) if is_due else (),
    )


@dataclass(frozen=True, slots=True)
class DueTimes:
    """The times of one cycle, from what is remembered.

    Attributes:
        began: when the cycle began, UTC.
    """

    journal: Journal
    states: ModelStates
    marks: Marks
    clock: Clock
    began: datetime

    def full_look_is_due(self, target: Target) -> bool:
        """Whether it is time to look at everything that is registered."""
        return self._full_look(target) <= self.clock.now()

    def verification_is_due(self, target: Target) -> bool:
        """Whether the index is to be compared with git: with each full look but the first."""
        return self.full_look_is_due(target) and OBSERVED_IN_FULL in self.marks.marks(target.name)

    def comparing_is_due(self, target: Target) -> bool:
        """Whether some more models are to be compared of those that were only seen."""
        return self._comparing(target) <= self.clock.now()

    def next(self, target: Target, moving: Collection[ModelKey]) -> datetime:
        """The earliest moment at which a cycle has something to do for the target.

        `moving` are the pairs whose verdict may change by itself.
        """
        return min(self._moments(target, moving))

    def _moments(self, target: Target, moving: Collection[ModelKey]) -> Iterable[datetime]:
        yield self._full_look(target)
        if self.states.uncompared(target.name, 1):
            yield max(self._comparing(target), self.began + _COMPARE_AFTER)
        now = self.clock.now()
        for entry in self.journal.pending(target.name):
            if entry.phase is Phase.REGISTERED or entry.pair not in moving:
                continue
            moment = due_at(entry.not_before or entry.updated_at, entry.updated_at, now)
            if moment >= self.began:
                yield moment
            elif entry.phase is Phase.INTENDED:  # any other entry waits for a person
                yield self.began + _LOOK_AGAIN

    def _full_look(self, target: Target) -> datetime:
        """When everything is looked at again; now, if it never was."""
        return self._after(target, OBSERVED_IN_FULL, target.full_observation) or self.clock.now()

    def _comparing(self, target: Target) -> datetime:
        return self._after(target, COMPARED, _COMPARE_AGAIN) or self.began + _COMPARE_AGAIN

    def _after(self, target: Target, mark: str, wait: timedelta) -> datetime | None:
        """The moment that long after what the mark says, as far as it can be believed; None without one."""
        text = self.marks.marks(target.name).get(mark)
        if text is None:
            return None
        at = read_time(text)
        return due_at(at + wait, at, self.clock.now())
