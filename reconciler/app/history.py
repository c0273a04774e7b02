"""What `history` joins: the commits that changed each model's document, and the journal."""

from __future__ import annotations

import re
from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.app.repository import index_of, part_of, source_of
from reconciler.contract.model_key import ModelKey
from reconciler.engine.graph import CommitGraph, places
from reconciler.errors import IndexLostError, ReconcilerError, UnknownRevisionError
from reconciler.printable import printable
from reconciler.settings.discovery import chosen
from reconciler.state import open_journal
from reconciler.views.history import Declaration, HistoryRow, RowFilter, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence

    from reconciler.engine.values import CommitInfo, FileChange
    from reconciler.index import Store
    from reconciler.index.history import TargetHistory
    from reconciler.settings import Configuration
    from reconciler.source import GitSource
    from reconciler.state import JournalReader

_NAMES_AT_ONCE = 200
_PART_OF_AN_ID = re.compile(r"[0-9a-f]{7,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Whose history is asked for; None takes all.

    Attributes:
        target: a target that is configured, or that the journal remembers.
        model_id: the model with this id, now or at any time.
        commit: any name of a commit: what it did, and what came of it.
    """

    target: str | None = None
    name: str | None = None
    version: str | None = None
    model_id: str | None = None
    commit: str | None = None


def history(
    configuration: Configuration, query: HistoryQuery, on_note: Callable[[str], None] = lambda _: None
) -> Generator[HistoryRow]:
    """Everything known about what is asked for: what commits did, and what became of it.

    Of everything there is, little is in memory at a time. Close the iterator. `on_note` is called with
    the reason when not all of history was read.

    Raises:
        ReconcilerError: the target, the commit, or the model with this id is not known.
        SourceError: git could not be read.
        StateError: the state could not be read.
    """
    with ExitStack() as stack:
        source = stack.enter_context(closing(source_of(configuration)))
        head = source.head()  # which may be a fetch: what was journalled until its end is told
        journal = stack.enter_context(open_journal(configuration.state_url))
        index = stack.enter_context(closing(index_of(configuration, writes=False)))
        stack.enter_context(index.of_one_moment())
        asked = _Past(configuration, source, journal, index, head, query, on_note)
        for note in source.cut_off():
            on_note(note)
        try:
            first = next(asked_rows := asked.rows(), None)
        except IndexLostError:  # only a cache, and empty from now on
            first = next(asked_rows := asked.rows(), None)
        if first is not None:
            yield first
            yield from asked_rows


@dataclass(frozen=True, slots=True)
class _Commits:
    """What commits of the branch did to a target's models.

    Attributes:
        read: what those did that were just read from the log, by model name.
        graph: None where the folder is not known, of a target that the configuration does not have any more:
            the journal alone tells of its models, and git who made the commits that it names.
        source: is asked about commits of which the graph does not tell all.
        kept: what all commits before them did; None where the graph has all.
    """

    read: Mapping[str, Mapping[ModelKey, Sequence[FileChange]]]
    graph: CommitGraph | None
    source: GitSource
    kept: TargetHistory | None = None

    def names(self) -> set[str]:
        """Every name of a model."""
        return {*self.read, *(self.kept.names() if self.kept else ())}

    def changes(
        self, names: Collection[str] | None = None, version: str | None = None, commit: str | None = None
    ) -> dict[ModelKey, list[FileChange]]:
        """What was done to these models, newest first."""
        by_pair: defaultdict[ModelKey, list[FileChange]] = defaultdict(list)
        for models in self.read.values() if names is None else filter(None, map(self.read.get, names)):
            for pair, changes in models.items():
                if version in (None, pair.model_version):
                    by_pair[pair] += [one for one in changes if commit in (None, one.commit_info.commit)]
        for pair, change in self.kept.changes(names, version, commit) if self.kept else ():
            by_pair[pair].append(change)
        for changes in by_pair.values():
            if len(changes) > 1:
                changes.sort(key=lambda change: (-change.place, change.commit_info.commit))
        return dict(by_pair)

    def named(self, commits: Collection[str]) -> dict[str, CommitInfo]:
        """Those of these commits that the branch has, and that touched anything below the target's folder.

        Where that cannot be known, all that git knows.
        """
        infos = dict(self.kept.attributions(commits)) if self.kept else {}
        if self.graph is not None:
            logged = {commit: self.graph.get(commit) for commit in commits}
            infos |= {commit: one.commit_info for commit, one in logged.items() if one and one.deltas}
            if self.graph.cut is None:
                return infos
        return {**self.source.attributions(commit for commit in commits if commit not in infos), **infos}


@dataclass(frozen=True, slots=True)
class _Past:
    """One question, and where its answer is looked up."""

    configuration: Configuration
    source: GitSource
    journal: JournalReader
    index: Store
    head: str
    query: HistoryQuery
    on_note: Callable[[str], None]

    def rows(self) -> Iterator[HistoryRow]:
        """The rows, by target, name and version; with everything asked for, a few models' at a time."""
        every = sorted({*self.configuration.settings.targets, *self.journal.journalled_targets()})
        targets = chosen(every, self.query.target)
        if self.query == HistoryQuery(self.query.target):
            for target in targets:
                yield from self._everything(target)
            return
        commit = None if self.query.commit is None else self._commit(self.query.commit, targets)
        rows: list[HistoryRow] = []
        for target, name, version in self._models(targets):
            rows += self._of(target, name, version, commit)
        yield from filter(RowFilter(commit, self.query.model_id).admits, rows)

    def _models(self, targets: Sequence[str]) -> Sequence[tuple[str, str | None, str | None]]:
        """The names and versions to look up in each target. Raises ReconcilerError for an unknown id."""
        name, version, model_id = self.query.name, self.query.version, self.query.model_id
        if model_id is None:
            return [(target, name, version) for target in targets]
        models = [(target, *pair) for target in targets for pair in self.journal.pairs_of(target, model_id)]
        if not models:
            raise ReconcilerError(
                f"no model with the id '{printable(model_id)}' is remembered; `reconciler history` lists all"
            )
        return sorted(one for one in models if name in (None, one[1]) and version in (None, one[2]))

    def _of(
        self, target: str, name: str | None, version: str | None, commit: str | None
    ) -> tuple[HistoryRow, ...]:
        pair = ModelKey(name, version) if name and version else None
        events = self.journal.events(target, pair, name=name, commit=commit)
        commits = {event.commit for event in events if event.commit is not None}
        by_commit = self._commits(target, name, version)
        changes = (
            Declaration(target, *change)
            for change in by_commit.changes(None if name is None else [name], version, commit).items()
        )
        return rows(changes, events, by_commit.named(commits))

    def _everything(self, target: str) -> Iterator[HistoryRow]:
        by_commit = self._commits(target)
        with self.journal.journal_by_name(target) as by_name:
            names = sorted(by_commit.names() | by_name.names())
            for start in range(0, len(names), _NAMES_AT_ONCE):
                some = names[start : start + _NAMES_AT_ONCE]
                events = by_name.events(some)
                changes = by_commit.changes(some)
                infos = {one.commit_info.commit: one.commit_info for made in changes.values() for one in made}
                others = {event.commit for event in events if event.commit is not None} - infos.keys()
                named = infos | by_commit.named(others)
                yield from rows((Declaration(target, *one) for one in changes.items()), events, named)

    def _commits(self, target: str, name: str | None = None, version: str | None = None) -> _Commits:
        """What git tells of a target's models: from what the index keeps, as far as it goes."""
        if target not in self.configuration.settings.targets:
            return _Commits({}, None, self.source)
        kept = self.index.history_of(target)
        base = part_of(self.index, self.configuration, target).base()
        folder = self.configuration.settings.targets[target].path
        usable = base is not None and kept.base() == base
        since = self.source.graph_since(base, self.head, folder) if base is not None and usable else None
        if since is not None and since.cut is not None:
            self.on_note(since.cut)
        if since is not None and not any(since):
            return _Commits({}, since, self.source, kept)
        from reconciler.engine.history import model_changes  # noqa: PLC0415 - where all is kept, none is read

        if since is None:
            with self.source.graph(self.head, [folder], whole=True) as graph:
                if graph.cut is not None:
                    self.on_note(graph.cut)
                read = model_changes(graph, self.source, folder, name, version)
                return _Commits(_by_name(read), graph, self.source)
        place = places(since, kept.places)
        newer = model_changes(since, self.source, folder, name, version, place=place)
        return _Commits(_by_name(newer), since, self.source, kept)

    def _commit(self, revision: str, targets: Iterable[str]) -> str:
        """The commit that goes by this name in git, or by a part of its id in the journal."""
        try:
            return self.source.resolve(revision)
        except UnknownRevisionError as error:
            if _PART_OF_AN_ID.fullmatch(revision) is None:
                raise ReconcilerError(str(error)) from error
            commit = self._journalled(revision, targets)
            if len(commit) != 1:
                number = f"{len(commit)} that begin with it" if commit else "none that begins with it"
                raise ReconcilerError(f"{error}; the journal knows {number}") from error
            return commit.pop()

    def _journalled(self, beginning: str, targets: Iterable[str]) -> set[str]:
        """Commits that git may have forgotten, and the journal has not."""
        commits = (event.commit for target in targets for event in self.journal.events(target))
        return {commit for commit in commits if commit is not None and commit.startswith(beginning)}


def _by_name(
    changes: Mapping[ModelKey, Sequence[FileChange]],
) -> dict[str, dict[ModelKey, Sequence[FileChange]]]:
    by_name: defaultdict[str, dict[ModelKey, Sequence[FileChange]]] = defaultdict(dict)
    for pair, some in changes.items():
        by_name[pair.model_name][pair] = some
    return dict(by_name)
