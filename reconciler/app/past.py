"""What `history` joins: the commits that changed each model's document, and the journal."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from reconciler.app.repository import source_of
from reconciler.contract.pair import Pair
from reconciler.engine.history import model_changes
from reconciler.state import open_state
from reconciler.views.history import Declared

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.values import Attribution, Event
    from reconciler.settings import Configuration


class Past(NamedTuple):
    """What is joined, and facts for a person."""

    models: list[Declared]
    events: list[Event]
    named: dict[str, Attribution]
    notes: list[str]


def past(configuration: Configuration, target: str | None, name: str | None, version: str | None) -> Past:
    """Everything known about the wanted models: what commits did to them, the journal, and its commits.

    Args:
        configuration: what is configured.
        target: one target; None takes all.
        name: one model; None takes all.
        version: one version of it; None takes all.
    """
    pair = Pair(name, version) if name and version else None
    models: list[Declared] = []
    events: list[Event] = []
    named: dict[str, Attribution] = {}
    notes: list[str] = []
    with (
        closing(source_of(configuration)) as source,
        closing(open_state(configuration.state_url, writer=False)) as ledger,
    ):
        commit = source.head()
        for wanted in configuration.chosen(target):
            folder = configuration.settings.targets[wanted].path
            journal = ledger.events(wanted, pair, name=name)
            with source.graph(commit, [folder], whole=True) as graph:
                changes = model_changes(graph, source, folder, name, version)
                named |= _named(graph, {event.commit for event in journal if event.commit is not None})
                notes += [graph.cut] if graph.cut else []
            models += [Declared(wanted, *change) for change in changes.items()]
            events += journal
    return Past(models, events, named, list(dict.fromkeys(notes)))


def _named(graph: CommitGraph, commits: Collection[str]) -> Iterable[tuple[str, Attribution]]:
    """Those of these commits that the branch has, whatever they touched below the target's folder."""
    found = {commit: graph.get(commit) for commit in commits}
    return [(commit, logged.attribution) for commit, logged in found.items() if logged is not None]
