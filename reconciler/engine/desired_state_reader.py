"""Reads what git declares for one target: the files that differ from the index, or all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.budgets import shortened
from reconciler.contract.model_key import ModelKey
from reconciler.engine.credit import credit
from reconciler.engine.desired import ManifestParser, moved_files, read_files
from reconciler.engine.desired_state import DesiredState
from reconciler.errors import BudgetError, SourceError
from reconciler.manifest import InvalidManifest, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.ports import Index, Source
    from reconciler.engine.values import File, LastCommit, ParsedFile
    from reconciler.manifest import Manifest


_FEW = 200  # files that changed in one cycle: so many are compared with the registry, for which they are read


def desired_state(  # noqa: PLR0913 - what is asked, and what it is found with
    source: Source,
    index: Index,
    reader: ManifestParser,
    commit: str,
    *,
    credited: bool = True,
    reconciled: str | None = None,
) -> DesiredState:
    """What the target declares at `commit`; where that is too much to be read, at the last commit that was.

    The index is used as far as it goes: of an ancestor, only what changed since is looked at; of any other
    commit, what files of the same content said is not read again. Who gave the files that were read their
    content is asked only for what is `credited`, since git may have to go through all of its log for it;
    without it, this is nothing to save. `reconciled` is the commit that was reconciled last, for where the
    index holds none. Raises SourceError.
    """
    state_reader = DesiredStateReader(source, index, reader, commit, credited)
    try:
        return state_reader.read()
    except BudgetError as error:
        problem = str(error)  # not the error itself, which holds all that was read
    return _before(state_reader, reconciled, problem)


def _before(state_reader: DesiredStateReader, reconciled: str | None, problem: str) -> DesiredState:
    """What the target declared at the last commit that could be read, with why it is not the newest."""
    base = state_reader.index.base()
    last = base or (reconciled if reconciled != state_reader.commit else None)
    if last is None:
        return state_reader.state(
            {}, excess=_excess(state_reader, problem, "nothing of this target is known from before")
        )
    goes_on = f"until then, what it declared at {last[:12]} goes on"
    try:
        state = replace(state_reader, commit=last).read()
    except SourceError as lost:
        why = f"what it declared at {last[:12]} cannot be read either: {lost}"
        return state_reader.state({}, excess=_excess(state_reader, problem, why))
    state.excess = _excess(state_reader, problem, goes_on)
    return state


def _excess(state_reader: DesiredStateReader, problem: str, what_now: str) -> InvalidManifest:
    message = shortened(
        f"commit {state_reader.commit[:12]}: {problem}; {what_now}", state_reader.reader.budgets.reason
    )
    reason = Reason("over-budget", message, state_reader.reader.root)
    return InvalidManifest(state_reader.reader.root, 1, (reason,))


@dataclass(frozen=True, slots=True)
class DesiredStateReader:
    """What one target's files are looked up with, at one commit."""

    source: Source
    index: Index
    reader: ManifestParser
    commit: str
    credited: bool
    notes: list[str] = field(default_factory=list)

    def read(self) -> DesiredState:
        """What differs from the index, or else everything. Raises BudgetError, SourceError."""
        base = self.index.base()
        if base is None:
            return self.full()
        if base == self.commit:
            return self.state({}, base=base)
        changes = self.source.changes(base, self.commit, self.reader.root)
        since = self.source.graph_since(base, self.commit, self.reader.root)
        if since is None or since.cut is not None:
            return self.full()
        return self.full(base, since) if changes is None else self.incremental(base, changes, since)

    def incremental(self, base: str, changes: Mapping[str, File | None], since: CommitGraph) -> DesiredState:
        """What differs from the index, and which pairs that may concern.

        A file is read again when it or one that it names has changed, and credited again when any commit
        touched it: it may have been changed and changed back.
        """
        touched = {delta.path for logged in since for delta in logged.deltas}
        namers = self.index.parsed_files(naming=changes)
        naming = {parsed_file.path for parsed_file in namers} - changes.keys()
        files = {**changes, **self.source.files(self.commit, naming)} if naming else changes

        def look(path: str) -> File | None:
            return changes[path] if path in changes else self.source.files(self.commit, [path]).get(path)

        before = {
            parsed_file.path: parsed_file for parsed_file in self.index.parsed_files({*files, *touched})
        }
        there = [file for file in files.values() if file is not None]
        by_blob = (
            {parsed_file.blob: parsed_file for parsed_file in before.values()} if len(there) > _FEW else {}
        )
        moved = moved_files(self.reader, there, by_blob)
        unread = (file for file in there if file.path not in moved)
        fresh, manifests = read_files(self.reader, self.source, unread, look)
        parsed = len(fresh)
        fresh |= moved
        says = {path: fresh.get(path) if path in files else before[path] for path in {*fresh, *before}}
        anew = [says[path] for path in {*touched, *fresh} & says.keys()]
        credited = self._credited_since(base, since, [entry for entry in anew if entry is not None], before)
        says |= {parsed_file.path: parsed_file for parsed_file in credited}
        changed = {path: parsed_file for path, parsed_file in says.items() if parsed_file != before.get(path)}
        concerned = _pairs(
            [*filter(None, changed.values()), *(before[path] for path in changed if path in before)]
        )
        facts = {"touched": concerned, "parsed": parsed, "manifests": manifests}
        now = self.state(changed, base=base, since=since, before=before, **facts)
        if fresh:
            self.reader.require_few(now.number())
        return now

    def full(self, base: str = "", since: CommitGraph | None = None) -> DesiredState:
        """Everything, of which nothing is read that the index knows by its content.

        The commits since the base, where they are given, tell who gave the changed documents their content,
        so that the log of all commits is not read for it.
        """
        every = every_file(self.source, self.index, self.reader, self.commit)
        says = every.unchanged | every.fresh
        before: dict[str, ParsedFile] = {}
        if since is None:
            credited = self._credited([*says.values()])
        else:
            touched = {delta.path for logged in since for delta in logged.deltas}
            before = every.gone | {path: every.unchanged[path] for path in touched & every.unchanged.keys()}
            anew = [says[path] for path in {*touched, *every.fresh} & says.keys()]
            credited = self._credited_since(base, since, anew, before)
        says |= {parsed_file.path: parsed_file for parsed_file in credited}
        facts = {
            "exists": every.exists,
            "instead": every.instead,
            "parsed": every.parsed,
            "manifests": every.manifests,
        }
        state = self.state(says, since=since, before=before, **facts)
        self.reader.require_few(state.number())
        return state

    def state(self, changed: Mapping[str, ParsedFile | None], **facts: Any) -> DesiredState:  # noqa: ANN401
        """The answer; `facts` are fields of DesiredState that are not as usual."""
        notes = tuple(self.notes)
        return DesiredState(self.commit, changed, self.source, self.index, self.reader, notes=notes, **facts)

    def _credited_since(
        self, base: str, since: CommitGraph, readings: list[ParsedFile], before: Mapping[str, ParsedFile]
    ) -> list[ParsedFile]:
        """The readings with who gave each document its content; git is asked only about what is older.

        What is at `base` as it is now was credited then, unless that is another file's content by now.
        """
        if not self.credited:
            return readings
        made_since = credit(since, self.source, readings, before.values())
        elsewhere = {path for commit, paths in made_since.older.items() if commit != base for path in paths}
        unchanged = set(made_since.older.get(base, ())) - elsewhere
        made: list[ParsedFile] = []
        older: list[ParsedFile] = []
        for parsed_file in readings:
            path = parsed_file.path
            held = before[path] if path in unchanged and path in before else None
            credits_before = held.last_commits if held is not None and held.blob == parsed_file.blob else ()
            whole = _with(parsed_file, {**dict(credits_before), **made_since.by_file.get(path, {})})
            (made if len(whole.last_commits) == parsed_file.results else older).append(whole)
        return made + self._credited(older)

    def _credited(self, readings: list[ParsedFile]) -> list[ParsedFile]:
        """The readings with who gave each document its content, as the whole log tells."""
        if not self.credited or not readings:
            return readings
        with self.source.graph(self.commit, [parsed_file.path for parsed_file in readings]) as graph:
            credited = credit(graph, self.source, readings).by_file
        if graph.cut is None:
            return [_with(parsed_file, credited.get(parsed_file.path, {})) for parsed_file in readings]
        self.notes.append(f"who declared some models is not known: {graph.cut}")
        return [_with(one, {**dict(one.last_commits), **credited.get(one.path, {})}) for one in readings]


def _with(parsed_file: ParsedFile, last_commits: Mapping[int, LastCommit]) -> ParsedFile:
    return parsed_file._replace(last_commits=tuple(sorted(last_commits.items())))


def _pairs(readings: Iterable[ParsedFile]) -> frozenset[ModelKey]:
    """Every pair that these files declare, validly or not."""
    pairs: set[ModelKey] = set()
    for parsed_file in readings:
        pairs.update(ref.pair for ref in parsed_file.declarations)
        pairs.update(
            ModelKey(ref.model_name, ref.model_version)
            for ref in parsed_file.invalid
            if ref.model_name is not None and ref.model_version is not None
        )
    return frozenset(pairs)


class EveryFile(NamedTuple):
    """All files of one commit, beside what the index holds.

    Attributes:
        exists, instead: as the snapshot says.
        unchanged: what the index says of files that are as they were.
        fresh: what all others say.
        gone: what the index says of contents that no file has any more.
        manifests: some of those that were read, whole.
    """

    exists: bool
    instead: str
    unchanged: dict[str, ParsedFile]
    fresh: dict[str, ParsedFile]
    gone: dict[str, ParsedFile]
    manifests: dict[ModelKey, Manifest]
    parsed: int


def every_file(source: Source, index: Index, reader: ManifestParser, commit: str) -> EveryFile:
    """What the files of a commit say. Raises BudgetError, SourceError."""
    snapshot = source.snapshot(commit, reader.root)
    files = {file.path: file for file in snapshot.files}
    by_path = {file.path: file for file in snapshot.files if reader.concerns(file)}
    unchanged: dict[str, ParsedFile] = {}
    elsewhere: dict[str, ParsedFile] = {}
    for indexed in index.parsed_files():
        if indexed.path not in by_path or by_path[indexed.path].blob != indexed.blob:
            elsewhere[indexed.blob] = indexed
        elif all(_blob(files.get(path)) == blob for path, blob in indexed.config_files):
            unchanged[indexed.path] = indexed
    unread = [file for file in by_path.values() if file.path not in unchanged]
    moved = moved_files(reader, unread, elsewhere)
    fresh, manifests = read_files(
        reader, source, (file for file in unread if file.path not in moved), files.get
    )
    now = {file.blob for file in unread}
    gone = {indexed.path: indexed for blob, indexed in elsewhere.items() if blob not in now}
    facts = (unchanged, fresh | moved, gone, manifests, len(fresh))
    return EveryFile(snapshot.exists, snapshot.instead, *facts)


def _blob(file: File | None) -> str | None:
    return file.blob if file else None
