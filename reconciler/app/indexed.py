"""Where what is kept of a target lies, and what decides whether it can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.repository import budgets_of
from reconciler.contract import edition, rules_version
from reconciler.index import Store, TargetIndex
from reconciler.phrases import many

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.desired import ManifestParser
    from reconciler.settings import Configuration
    from reconciler.state import SqlLedger


def index_of(configuration: Configuration, *, writes: bool) -> Store:
    """The index of a configuration's targets; without `writes` nothing is made or changed."""
    return Store(configuration.state_dir / "index.db", writes=writes)


def reader_of(configuration: Configuration, name: str) -> ManifestParser:
    """What reads one target's manifests."""
    from reconciler.engine.desired import KEPT_WHOLE, ManifestParser  # noqa: PLC0415 - not for `history`

    target = configuration.settings.targets[name]
    rules = edition(target.edition, strict_config=target.strict_config)
    kept = KEPT_WHOLE // len(configuration.settings.targets)
    return ManifestParser(rules, target.path, budgets_of(configuration), kept)


def part_of(store: Store, configuration: Configuration, name: str) -> TargetIndex:
    """One target's part of the index, for the rules that are in force."""
    target = configuration.settings.targets[name]
    strict = " strict" if target.strict_config else ""
    return store.of(name, f"{target.path} {target.edition}{strict} {rules_version()}")


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
