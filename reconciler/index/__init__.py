"""The index room: what every manifest file said at the commit reconciled last, from process to process.

In come readings; out they go again, by path, by pair, or all. It is a cache in a SQLite file of its own: it
may be deleted, and one that is damaged, of another version or of other rules counts as empty. The only room
that knows its format. It knows nothing of git, registries and verdicts.
"""

from __future__ import annotations

from reconciler.index.store import Store
from reconciler.index.target_index import TargetIndex

__all__ = ["Store", "TargetIndex"]
