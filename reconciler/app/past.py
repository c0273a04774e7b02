"""What `history` joins: the commits that changed each model's document, and the journal."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.app.repository import source_of
from reconciler.contract.pair import Pair
from reconciler.engine.history import model_changes
from reconciler.errors import ReconcilerError, UnknownRevisionError
from reconciler.state import open_state
from reconciler.views.history import Declared, RowFilter, rows

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.values import Attribution, FileChange
    from reconciler.settings import Configuration
    from reconciler.source import GitSource
    from reconciler.state import SqlLedger
    from reconciler.views.history import Row

_PART_OF_AN_ID = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Whose history is asked for; None takes all.

    Attributes:
        target: one target.
        name: one model.
        version: one version of it.
        model_id: the model with this id, now or at any time.
        commit: any name of a commit: what it did, and what came of it.
    """

    target: str | None = None
    name: str | None = None
    version: str | None = None
    model_id: str | None = None
    commit: str | None = None


def past(configuration: Configuration, query: HistoryQuery) -> tuple[Row, ...]:
    """Everything known about what is asked for: what commits did, and what became of it.

    Raises:
        ReconcilerError: nobody knows the commit, or the model with this id.
        SourceError: git could not be read.
        StateError: the state could not be read.
    """
    with ExitStack() as stack:
        source = stack.enter_context(closing(source_of(configuration)))
        ledger = stack.enter_context(closing(open_state(configuration.state_url, writer=False)))
        return _Past(configuration, source, ledger, source.head(), query).rows()


@dataclass(frozen=True, slots=True)
class _Past:
    """One question, and where its answer is looked up."""

    configuration: Configuration
    source: GitSource
    ledger: SqlLedger
    head: str
    query: HistoryQuery

    def rows(self) -> tuple[Row, ...]:
        targets = self.configuration.chosen(self.query.target)
        commit = None if self.query.commit is None else self._commit(self.query.commit, targets)
        found: list[Row] = []
        for target in targets:
            for name, version in self._models(target):
                found += self._of(target, name, version, commit)
        if self.query.model_id is not None and not found:
            raise ReconcilerError(
                f"no model with the id {self.query.model_id} is remembered; `reconciler history` lists all"
            )
        return tuple(filter(RowFilter(commit, self.query.model_id).admits, found))

    def _models(self, target: str) -> Sequence[tuple[str | None, str | None]]:
        """The names and versions to look up."""
        wanted = (self.query.name or None, self.query.version or None)
        if self.query.model_id is None:
            return [wanted]
        pairs = sorted(self.ledger.pairs_of(target, self.query.model_id))
        return [pair for pair in pairs if all(w in (None, v) for w, v in zip(wanted, pair, strict=True))]

    def _of(self, target: str, name: str | None, version: str | None, commit: str | None) -> tuple[Row, ...]:
        pair = Pair(name, version) if name and version else None
        events = self.ledger.events(target, pair, name=name, commit=commit)
        folder = self.configuration.settings.targets[target].path
        changes: dict[Pair, Sequence[FileChange]] = {}
        named: dict[str, Attribution] = {}
        if commit is None or self.source.contains(self.head, commit) is not False:
            with self.source.graph(commit or self.head, [folder], whole=commit is None) as graph:
                changes = model_changes(graph, self.source, folder, name, version, commit)
                named = dict(_named(graph, {event.commit for event in events if event.commit is not None}))
        return rows((Declared(target, *change) for change in changes.items()), events, named)

    def _commit(self, revision: str, targets: Iterable[str]) -> str:
        """The commit that goes by this name in git, or by a part of its id in the journal."""
        try:
            return self.source.resolve(revision)
        except UnknownRevisionError as error:
            if _PART_OF_AN_ID.fullmatch(revision) is None:
                raise ReconcilerError(str(error)) from error
            known = self._journalled(revision, targets)
            if len(known) != 1:
                number = len(known) or "no commit"
                raise ReconcilerError(f"{error}; the journal knows {number} that begin with it") from error
            return known.pop()

    def _journalled(self, beginning: str, targets: Iterable[str]) -> set[str]:
        """Commits that git may have forgotten, and the journal has not."""
        commits = (event.commit for target in targets for event in self.ledger.events(target))
        return {commit for commit in commits if commit is not None and commit.startswith(beginning)}


def _named(graph: CommitGraph, commits: Collection[str]) -> Iterable[tuple[str, Attribution]]:
    """Those of these commits that the branch has, whatever they touched below the target's folder."""
    found = {commit: graph.get(commit) for commit in commits}
    return [(commit, logged.attribution) for commit, logged in found.items() if logged is not None]
