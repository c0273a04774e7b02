"""What `history` joins: the commits that touched each model's manifest, and the journal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from reconciler.app.indexed import index_of, part_of, reader_of
from reconciler.app.repository import source_of
from reconciler.contract.pair import Pair
from reconciler.engine.declared import declared
from reconciler.state import open_state
from reconciler.views.history import Declared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.engine.ports import Source
    from reconciler.engine.values import Entry, Event, Touch
    from reconciler.settings import Configuration


def past(
    configuration: Configuration, target: str | None, name: str | None, version: str | None
) -> tuple[list[Declared], list[Event]]:
    """Everything known about the wanted models; one `git log` whatever their number.

    Args:
        configuration: what is configured.
        target: one target; None takes all.
        name: one model; None takes all.
        version: one version of it; None takes all.
    """
    models: list[Declared] = []
    events: list[Event] = []
    with (
        closing(source_of(configuration)) as source,
        closing(open_state(configuration.state_url, writer=False)) as ledger,
    ):
        commit = source.head()
        for wanted in configuration.chosen(target):
            entries = ledger.entries(wanted)
            paths = _paths(configuration, wanted, source, commit, entries)
            models += _declared(
                wanted, source.history(commit, configuration.settings.targets[wanted].path), paths
            )
            events += ledger.events(wanted)
    return (
        [model for model in models if _is_wanted(model.pair, name, version)],
        [event for event in events if _is_wanted(event.pair, name, version)],
    )


def _paths(
    configuration: Configuration, target: str, source: Source, commit: str, entries: Mapping[Pair, Entry]
) -> dict[Pair, set[str]]:
    """The files that declare each pair now, or declared it when it was last acted on."""
    with closing(index_of(configuration, writes=False)) as index:
        part = part_of(index, configuration, target)
        desired = declared(source, part, reader_of(configuration, target), commit).desired()
    paths = {pair: {manifest.path} for pair, manifest in desired.manifests.items()}
    paths |= {pair: {claim.path for claim in claims} for pair, claims in desired.conflicts.items()}
    for found in desired.invalid:
        if found.model_name and found.model_version:
            paths.setdefault(Pair(found.model_name, found.model_version), set()).add(found.path)
    for pair, entry in entries.items():
        if entry.path is not None:
            paths.setdefault(pair, {entry.path})
    return paths


def _declared(target: str, touches: Sequence[Touch], paths: Mapping[Pair, set[str]]) -> Iterator[Declared]:
    by_path: dict[str, list[Touch]] = {}
    for touch in touches:
        by_path.setdefault(touch.current_path, []).append(touch)
    for pair, files in paths.items():
        yield Declared(target, pair, [touch for path in sorted(files) for touch in by_path.get(path, ())])


def _is_wanted(pair: Pair, name: str | None, version: str | None) -> bool:
    return name in (None, pair.model_name) and version in (None, pair.model_version)
