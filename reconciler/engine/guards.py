"""When a cycle refuses to act on its own plan, because it looks like an accident. Pure.

A refusal names the knob that allows it for good, and the digest with which `apply --confirm` goes through
once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.engine.reasons import NO_LONGER_DECLARED
from reconciler.engine.values import ModelState, Verdict
from reconciler.manifest import Reason
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.contract.model_key import ModelKey


@dataclass(frozen=True, slots=True)
class Guards:
    """The knobs, by the names they have in `[guards]`; docs/configuration.md says what each allows."""

    max_imports_per_cycle: int = 100
    max_disappearances: int = 3
    allow_empty: bool = False
    allow_rewritten_history: bool = False


@dataclass(frozen=True, slots=True)
class GuardContext:
    """What the guards look at beside the plan itself.

    Attributes:
        lost_commit: the commit reconciled last, when the branch does not contain it any more.
        empty: of the targets with models that nothing declares, those that declare nothing at all.
        admitted: what earlier cycles let through, or somebody released: no guard on new imports holds it up.
    """

    lost_commit: str | None = None
    disappearances: Mapping[tuple[str, ModelKey], int] = field(default_factory=dict)
    empty: frozenset[str] = frozenset()
    admitted: frozenset[tuple[str, ModelKey]] = frozenset()

    def is_new(self, item: ModelState) -> bool:
        """Whether this is an import that nobody has let through yet."""
        return item.verdict is Verdict.IMPORT and (item.target, item.pair) not in self.admitted


def guard(
    items: Sequence[ModelState], guards: Guards, seen: GuardContext, digest: str
) -> tuple[ModelState, ...]:
    """The items, with a refusal in place of what a guard holds back."""
    imports = sum(map(seen.is_new, items))
    emptied = frozenset() if guards.allow_empty else seen.empty

    def objection(item: ModelState) -> tuple[str, str] | None:
        if item.verdict is Verdict.UNMANAGED and item.target in emptied and _was_declared(item):
            return "allow_empty", "no manifest is left in this target's directory"
        return _to_import(item, imports, guards, seen) if item.verdict is Verdict.IMPORT else None

    return tuple(_refused(item, reason, digest) if (reason := objection(item)) else item for item in items)


def _was_declared(item: ModelState) -> bool:
    return any(reason.code == NO_LONGER_DECLARED for reason in item.reasons)


def _to_import(item: ModelState, imports: int, guards: Guards, seen: GuardContext) -> tuple[str, str] | None:
    """The knob that holds an import back, and why; None lets it through."""
    vanished = seen.disappearances.get((item.target, item.pair), 0) if item.pair else 0
    if vanished >= guards.max_disappearances:
        return "max_disappearances", f"it has vanished from the registry {many(vanished, 'time')}"
    if not seen.is_new(item):
        return None
    if imports > guards.max_imports_per_cycle:
        allowed = guards.max_imports_per_cycle
        return (
            "max_imports_per_cycle",
            f"{many(imports, 'import')} in one cycle, and guards.max_imports_per_cycle is {allowed}",
        )
    if seen.lost_commit is not None and not guards.allow_rewritten_history:
        lost = seen.lost_commit[:12]
        return "allow_rewritten_history", (
            f"the branch no longer contains {lost}, the commit reconciled last (force-push)"
        )
    return None


def _refused(item: ModelState, objection: tuple[str, str], digest: str) -> ModelState:
    knob, why = objection
    message = (
        f"{why}: if that is meant, set guards.{knob}, or allow it this one time with "
        f"`reconciler apply --confirm {digest}`"
    )
    reason = Reason(knob.replace("_", "-"), message, item.path, item.line)
    return item._replace(verdict=Verdict.REFUSED, reasons=(reason, *item.reasons))
