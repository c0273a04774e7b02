"""What one cycle is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.contract.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class CycleOptions:
    """What one cycle is asked to do.

    Attributes:
        act: False only plans and changes nothing at all.
        wait: follow each import until it is final.
        whole: judge every model, and look at all that is registered; otherwise only what may have changed,
            unless it is time for the whole.
        refresh: the whole, and compare every declared model with the registry, whatever is remembered.
        leaves_behind: go on without a target whose registry keeps the others waiting.
        expect: refuse unless the plan has this digest.
        confirm: go through the guards if the plan has this digest, and refuse if it has not.
        confirm_target: the one target whose plan `confirm` is about; None for all of them.
        only: import nothing but this pair; None for all.
        actor: who asked for it, recorded with every event of the cycle; None for the schedule.
    """

    act: bool = True
    wait: bool = True
    whole: bool = True
    refresh: bool = False
    leaves_behind: bool = False
    expect: str | None = None
    confirm: str | None = None
    confirm_target: str | None = None
    only: ModelKey | None = None
    actor: str | None = None

    def confirms(self, target: str) -> bool:
        """Whether this target goes through the guards."""
        return self.confirm is not None and self.confirm_target in (None, target)
