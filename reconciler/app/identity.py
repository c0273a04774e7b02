"""Targets that the state knows by another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.settings import Configuration
    from reconciler.state import SqlLedger


def renamed(configuration: Configuration, ledger: SqlLedger, names: Iterable[str]) -> Iterator[str]:
    """A note on each of these targets of which nothing is remembered, but by a name that is gone."""
    targets = configuration.settings.targets
    gone = {what: name for name, what in ledger.targets().items() if name not in targets}
    for name in names:
        before = gone.get(targets[name].identity)
        if before is None or ledger.marks(name) or not (entries := len(ledger.entries(before))):
            continue
        yield (
            f"target {name}: nothing is remembered of it, but {many(entries, 'model')} of its registry under "
            f"{before}, a target that is not configured any more. If {name} is its new name, its history, "
            "its back-off and what `retry` has to release stay under the old one, and what is registered is "
            f"adopted; to keep them, call it {before} again"
        )
