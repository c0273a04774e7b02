"""The index room: what every manifest file said at the commit reconciled last, from process to process.

In come parsed files; out they go again, by path, by pair, or all. The index is a cache in a SQLite file of
its own: it may be deleted, and one that is damaged, of another version or of other rules counts as empty.
This is the only room that knows its format. It knows nothing of git, registries and verdicts.

It is opened when it is first asked, for any number of models: who gave a document its content is read from
the log, which is as long as history is, however few models are declared. With 200 models and 3,000 commits,
an `apply` with one model more takes 1.2 times the processor time without an index.
"""

from __future__ import annotations

from reconciler.index.store import Store
from reconciler.index.target_index import TargetIndex

__all__ = ["Store", "TargetIndex"]
