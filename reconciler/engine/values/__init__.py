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
        AT_REST,
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
    "AT_REST", "FINAL", "CommitInfo", "Created", "CycleAnswer", "CycleRequest", "Delta", "Desired",
    "Difference", "Event", "EventKind", "Facts", "File", "FileChange", "HistoryUpdate", "IdleMark",
    "LastCommit", "LedgerEntry", "ManifestRef", "ModelState", "ObservedModel", "ParsedFile", "Phase",
    "Reconciled", "Report", "Snapshot", "Stage", "Stand", "TargetFailure", "Verdict", "VerdictKey", "stand",
]  # fmt: skip

_HOMES = {
    "CommitInfo": "git",
    "Delta": "git",
    "File": "git",
    "FileChange": "git",
    "HistoryUpdate": "git",
    "Snapshot": "git",
    "Event": "memory",
    "EventKind": "memory",
    "Facts": "memory",
    "LedgerEntry": "memory",
    "Phase": "memory",
    "Stand": "memory",
    "stand": "memory",
    "FINAL": "models",
    "Created": "models",
    "Desired": "models",
    "LastCommit": "models",
    "ManifestRef": "models",
    "ObservedModel": "models",
    "ParsedFile": "models",
    "Stage": "models",
    "AT_REST": "report",
    "CycleAnswer": "report",
    "CycleRequest": "report",
    "Difference": "report",
    "IdleMark": "report",
    "ModelState": "report",
    "Reconciled": "report",
    "Report": "report",
    "TargetFailure": "report",
    "Verdict": "report",
    "VerdictKey": "report",
}

__getattr__ = attributes(__name__, _HOMES)
