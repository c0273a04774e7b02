"""One target as the engine sees it: its registry, its manifests, and how often it is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.engine.clock import Timing

if TYPE_CHECKING:
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
