"""The immutable values that flow through a cycle.

    Snapshot ─▶ Desired ─┐
                         ├─▶ ModelState* ─▶ Event* ─▶ LedgerEntry*, Report
    ObservedModel* ──────┘

Nothing here does I/O, reads a clock or knows which registry, database or git library is in use. What there is
once for each model is a tuple with names, which takes a third of the time of a frozen dataclass to make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.lazy import attributes

if TYPE_CHECKING:
    from reconciler.engine.values.git import CommitInfo, Delta, File, FileChange, HistoryUpdate, Snapshot
    from reconciler.engine.values.memory import Event, EventKind, Facts, LedgerEntry, Phase, Stand, stand
    from reconciler.engine.values.models import (
        FINAL,
        Created,
        Desired,
        LastCommit,
        ManifestRef,
        ObservedModel,
        ParsedFile,
        Stage,
    )
    from reconciler.engine.values.report import (
        AS_DECLARED,
        AT_REST,
        OF_MANIFESTS,
        UNDER_WAY,
        CycleAnswer,
        CycleRequest,
        Difference,
        IdleMark,
        ModelState,
        Reconciled,
        Report,
        TargetFailure,
        Verdict,
        VerdictKey,
    )

__all__ = [
    "AS_DECLARED", "AT_REST", "FINAL", "OF_MANIFESTS", "UNDER_WAY", "CommitInfo", "Created", "CycleAnswer",
    "CycleRequest", "Delta", "Desired", "Difference", "Event", "EventKind", "Facts", "File", "FileChange",
    "HistoryUpdate", "IdleMark", "LastCommit", "LedgerEntry", "ManifestRef", "ModelState", "ObservedModel",
    "ParsedFile", "Phase", "Reconciled", "Report", "Snapshot", "Stage", "Stand", "TargetFailure", "Verdict",
    "VerdictKey", "stand",
]  # fmt: skip

_NAMES = {
    "git": ("CommitInfo", "Delta", "File", "FileChange", "HistoryUpdate", "Snapshot"),
    "memory": ("Event", "EventKind", "Facts", "LedgerEntry", "Phase", "Stand", "stand"),
    "models": (
        "FINAL", "Created", "Desired", "LastCommit", "ManifestRef", "ObservedModel", "ParsedFile", "Stage",
    ),
    "report": (
        "AS_DECLARED", "AT_REST", "OF_MANIFESTS", "UNDER_WAY", "CycleAnswer", "CycleRequest", "Difference",
        "IdleMark", "ModelState", "Reconciled", "Report", "TargetFailure", "Verdict", "VerdictKey",
    ),
}  # fmt: skip

__getattr__ = attributes(__name__, _NAMES)
