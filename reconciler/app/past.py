"""What `history` joins: the commits that touched each model's manifest, and the journal."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

from reconciler.app.indexed import index_of, part_of, reader_of
from reconciler.app.repository import source_of
from reconciler.contract.pair import Pair
from reconciler.engine.declared import declared
from reconciler.state import open_state
from reconciler.views.history import Declared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.engine.ports import Ledger, Source
    from reconciler.engine.values import Event, Touch
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
        ThreadPoolExecutor(1) as beside,
    ):
        commit = source.head()
        for wanted in configuration.chosen(target):
            folder = configuration.settings.targets[wanted].path
            touches = beside.submit(source.history, commit, folder)  # git sorts its commits meanwhile
            paths = {
                pair: files
                for pair, files in _paths(configuration, wanted, source, commit, ledger).items()
                if _is_wanted(pair, name, version)
            }
            models += _declared(wanted, touches.result(), paths)
            events += [e for e in ledger.events(wanted) if _is_wanted(e.pair, name, version)]
    return models, events


def _paths(
    configuration: Configuration, target: str, source: Source, commit: str, ledger: Ledger
) -> dict[Pair, tuple[str, ...]]:
    """The files that declare each pair now, or declared it when it was last acted on."""
    with closing(index_of(configuration, writes=False)) as index:
        part = part_of(index, configuration, target)
        desired = declared(source, part, reader_of(configuration, target), commit, credited=False).desired()
    paths: dict[Pair, tuple[str, ...]] = {
        pair: (manifest.path,) for pair, manifest in desired.manifests.items()
    }
    paths |= {pair: tuple(claim.path for claim in claims) for pair, claims in desired.conflicts.items()}
    for found in desired.invalid:
        if found.model_name and found.model_version:
            pair = Pair(found.model_name, found.model_version)
            paths[pair] = (*paths.get(pair, ()), found.path)
    for pair, entry in ledger.entries(target).items():
        if entry.path is not None:
            paths.setdefault(pair, (entry.path,))
    return paths


def _declared(
    target: str, touches: Iterable[Touch], paths: Mapping[Pair, tuple[str, ...]]
) -> Iterator[Declared]:
    by_path: defaultdict[str, list[Touch]] = defaultdict(list)
    for touch in touches:
        by_path[touch.current_path].append(touch)
    for pair, files in paths.items():
        yield Declared(target, pair, [t for path in sorted(set(files)) for t in by_path.get(path, ())])


def _is_wanted(pair: Pair, name: str | None, version: str | None) -> bool:
    return name in (None, pair.model_name) and version in (None, pair.model_version)
