"""What the engine asks of the world. Each port is implemented by one room of the same name.

The registry is asynchronous; git and the state are synchronous (git runs in one worker thread).
All raise only what `reconciler.errors` draws.
"""

from __future__ import annotations

from reconciler.engine.ports.git import Blobs, Index, KeptHistory, Source
from reconciler.engine.ports.memory import Journal, Ledger, Marks, ModelStates, Reports
from reconciler.engine.ports.registry import Preflight, Registry

__all__ = [
    "Blobs", "Index", "Journal", "KeptHistory", "Ledger", "Marks", "ModelStates", "Preflight", "Registry",
    "Reports", "Source",
]  # fmt: skip
