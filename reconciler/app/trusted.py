"""A newest commit that was judged and is not trusted, as far as the state remembers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.source.trust import MARK, TrustMemory
from reconciler.times import shown_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.settings import Configuration
    from reconciler.state import SqlLedger


def refused(configuration: Configuration, ledger: SqlLedger) -> Iterator[str]:
    """A note on a commit that stops everything; one that is held is an item of the report instead."""
    verify = configuration.settings.source.verify
    if verify.mode == "off" or verify.on_failure != "refuse":
        return
    memory = TrustMemory.read(ledger.marks("").get(MARK))
    if memory.refused is not None:
        at = memory.seen.get(memory.refused)
        since = f", first seen at {shown_time(at)}," if at else ""
        yield (
            f"commit {memory.refused[:12]}{since} is not trusted: nothing is reconciled as long as it is the "
            "newest (source.verify.on_failure is refuse); `reconciler doctor` says why"
        )
