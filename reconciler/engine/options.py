"""What a cycle works on, and what it is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.engine.clock import Timing

if TYPE_CHECKING:
    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.manifest_parser import ManifestParser
    from reconciler.engine.ports import Preflight, Registry
    from reconciler.engine.ports.git import Index, KeptHistory


@dataclass(frozen=True, slots=True)
class Target:
    """One registry project, and the directory that declares what it should hold.

    Attributes:
        rules: names everything beside git and the registry that a verdict depends on: when it differs from
            that of the last cycle, every model is judged anew.
        full_observation: how long a model that was found equal is taken for equal without being compared.
        judge_all_below: with fewer models than this every cycle judges all of them: they are one page of a
            list.
        compare_at_most: so many models one cycle compares that could as well be compared later.
        preflight: looks at a model's files before its import is asked for; None does not.
    """

    name: str
    registry: Registry
    parser: ManifestParser
    index: Index
    history: KeptHistory
    rules: str = ""
    timing: Timing = field(default_factory=Timing)
    full_observation: timedelta = timedelta(hours=1)
    judge_all_below: int = 1000
    compare_at_most: int = 200
    preflight: Preflight | None = None

    @property
    def path(self) -> str:
        """The directory inside the repository."""
        return self.parser.root


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
