"""Reads what git declares for one target: the files that differ from the index, or all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.budgets import shortened
from reconciler.contract.model_key import ModelKey
from reconciler.engine.credit import credit
from reconciler.engine.desired import moved_to
from reconciler.engine.desired_state import DesiredState
from reconciler.errors import BudgetError, SourceError
from reconciler.manifest import InvalidManifest, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.engine.desired import Look, ManifestParser
    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.ports import Index, Source
    from reconciler.engine.values import File, LastCommit, ParsedFile
    from reconciler.manifest import Manifest

_KEPT_WHOLE = 20_000  # manifests kept as they were read, for the import that follows; about 2 KiB each
_FEW = 200  # files that changed in one cycle: so many are compared with the registry, for which they are read


def desired_state(  # noqa: PLR0913 - what is asked, and what it is found with
    source: Source,
    index: Index,
    reader: ManifestParser,
    commit: str,
    *,
    credited: bool = True,
    known: str | None = None,
) -> DesiredState:
    """What the target declares at `commit`; where that is too much to be read, at the last commit that was.

    The index is used as far as it goes: of an ancestor, only what changed since is looked at; of any other
    commit, what files of the same content said is not read again.

    Args:
        source: the repository.
        index: the target's.
        reader: the target's.
        commit: its id.
        credited: whether to ask git who gave the files that were read their content, for which it may have to
            go through all of its log. Without it, this is nothing to save.
        known: the commit that was reconciled last, for where the index holds none.

    Raises:
        SourceError: git could not be read.
    """
    desk = DesiredStateReader(source, index, reader, commit, credited)
    try:
        return desk.read()
    except BudgetError as error:
        problem = str(error)  # not the error itself, which holds all that was read
    return _before(desk, known, problem)


def _before(desk: DesiredStateReader, known: str | None, problem: str) -> DesiredState:
    """What the target declared at the last commit that could be read, with why it is not the newest."""
    base = desk.index.base()
    last = base or (known if known != desk.commit else None)
    if last is None:
        return desk.found({}, excess=_excess(desk, problem, "nothing of this target is known from before"))
    goes_on = f"until then, what it declared at {last[:12]} goes on"
    try:
        found = replace(desk, commit=last).read()
    except SourceError as lost:
        why = f"what it declared at {last[:12]} cannot be read either: {lost}"
        return desk.found({}, excess=_excess(desk, problem, why))
    found.excess = _excess(desk, problem, goes_on)
    return found


def _excess(desk: DesiredStateReader, problem: str, what_now: str) -> InvalidManifest:
    message = shortened(f"commit {desk.commit[:12]}: {problem}; {what_now}", desk.reader.budgets.reason)
    reason = Reason("over-budget", message, desk.reader.root)
    return InvalidManifest(desk.reader.root, 1, (reason,))


@dataclass(frozen=True, slots=True)
class DesiredStateReader:
    """What one target's files are looked up with, at one commit.

    Attributes:
        notes: gathered on the way, for a person.
    """

    source: Source
    index: Index
    reader: ManifestParser
    commit: str
    credited: bool
    notes: list[str] = field(default_factory=list)

    def read(self) -> DesiredState:
        """What differs from the index, or else everything.

        Raises:
            BudgetError: the commit declares more than is read.
            SourceError: git could not be read.
        """
        base = self.index.base()
        if base is None:
            return self.full()
        if base == self.commit:
            return self.found({}, base=base)
        changes = self.source.changes(base, self.commit, self.reader.root)
        since = None if changes is None else self.source.graph_since(base, self.commit, self.reader.root)
        if changes is None or since is None or since.cut is not None:
            return self.full()
        return self.incremental(base, changes, since)

    def incremental(self, base: str, changes: Mapping[str, File | None], since: CommitGraph) -> DesiredState:
        """What differs from the index, and which pairs that may concern.

        A file is read again when it or one that it names has changed, and credited again when any commit
        touched it: it may have been changed and changed back.
        """
        touched = {delta.path for logged in since for delta in logged.deltas}
        namers = self.index.parsed_files(naming=changes)
        naming = {reading.path for reading in namers} - changes.keys()
        files = {**changes, **self.source.files(self.commit, naming)} if naming else changes

        def look(path: str) -> File | None:
            return changes[path] if path in changes else self.source.files(self.commit, [path]).get(path)

        before = {reading.path: reading for reading in self.index.parsed_files({*files, *touched})}
        there = [file for file in files.values() if file is not None]
        known = {reading.blob: reading for reading in before.values()} if len(there) > _FEW else {}
        moved = self._moved(there, known)
        fresh, manifests = self._read((file for file in there if file.path not in moved), look)
        parsed = len(fresh)
        fresh |= moved
        says = {path: fresh.get(path) if path in files else before[path] for path in {*fresh, *before}}
        anew = [says[path] for path in {*touched, *fresh} & says.keys()]
        credited = self._credited_since(base, since, [found for found in anew if found is not None], before)
        says |= {reading.path: reading for reading in credited}
        changed = {path: reading for path, reading in says.items() if reading != before.get(path)}
        concerned = _pairs(
            [*filter(None, changed.values()), *(before[path] for path in changed if path in before)]
        )
        facts = {"touched": concerned, "parsed": parsed, "manifests": manifests}
        now = self.found(changed, base=base, since=since, before=before, **facts)
        if fresh:
            self.reader.require_few(now.number())
        return now

    def full(self) -> DesiredState:
        """Everything, of which nothing is read that the index knows by its content."""
        snapshot = self.source.snapshot(self.commit, self.reader.root)
        files = {file.path: file for file in snapshot.files}
        wanted = {file.path: file for file in snapshot.files if self.reader.concerns(file)}
        readings: dict[str, ParsedFile] = {}
        elsewhere: dict[str, ParsedFile] = {}
        for known in self.index.parsed_files():
            if known.path not in wanted or wanted[known.path].blob != known.blob:
                elsewhere[known.blob] = known
            elif all(_blob(files.get(path)) == blob for path, blob in known.companions):
                readings[known.path] = known
        unknown = [file for file in wanted.values() if file.path not in readings]
        moved = self._moved(unknown, elsewhere)
        fresh, manifests = self._read((file for file in unknown if file.path not in moved), files.get)
        parsed = len(fresh)
        fresh |= moved
        credited = self._credited([*readings.values(), *fresh.values()])
        changed = {reading.path: reading for reading in credited}
        found = self.found(changed, exists=snapshot.exists, parsed=parsed, manifests=manifests)
        self.reader.require_few(found.number())
        return found

    def found(self, changed: Mapping[str, ParsedFile | None], **facts: Any) -> DesiredState:  # noqa: ANN401
        """The answer; `facts` are fields of DesiredState that are not as usual."""
        notes = tuple(self.notes)
        return DesiredState(self.commit, changed, self.source, self.index, self.reader, notes=notes, **facts)

    def _moved(self, files: Iterable[File], known: Mapping[str, ParsedFile]) -> dict[str, ParsedFile]:
        """What those of these files say, by path, whose content is known from another one, by blob id."""
        moved: dict[str, ParsedFile] = {}
        for file in files:
            same = known.get(file.blob)
            told = moved_to(same, file.path) if same is not None and self.reader.reads(file) else None
            if told is not None:
                moved[file.path] = told
        return moved

    def _read(
        self, files: Iterable[File], look: Look
    ) -> tuple[dict[str, ParsedFile], dict[ModelKey, Manifest]]:
        readings: dict[str, ParsedFile] = {}
        whole: dict[ModelKey, Manifest] = {}
        for reading, manifests in self.reader.read(self.source, files, look):
            readings[reading.path] = reading
            if len(whole) < _KEPT_WHOLE:
                whole |= {manifest.pair: manifest for manifest in manifests}
        return readings, whole

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
        for reading in readings:
            path = reading.path
            known = before[path].last_commits if path in unchanged and _is_held(reading, before) else ()
            whole = _with(reading, {**dict(known), **made_since.found.get(path, {})})
            (made if len(whole.last_commits) == _results(reading) else older).append(whole)
        return made + self._credited(older)

    def _credited(self, readings: list[ParsedFile]) -> list[ParsedFile]:
        """The readings with who gave each document its content, as the whole log tells."""
        if not self.credited or not readings:
            return readings
        with self.source.graph(self.commit, [reading.path for reading in readings]) as graph:
            found = credit(graph, self.source, readings).found
        if graph.cut is None:
            return [_with(reading, found.get(reading.path, {})) for reading in readings]
        self.notes.append(f"who declared some models is not known: {graph.cut}")
        return [_with(one, {**dict(one.last_commits), **found.get(one.path, {})}) for one in readings]


def _with(reading: ParsedFile, found: Mapping[int, LastCommit]) -> ParsedFile:
    return reading._replace(last_commits=tuple(sorted(found.items())))


def _is_held(reading: ParsedFile, before: Mapping[str, ParsedFile]) -> bool:
    """Whether the file has the content that the index knows."""
    return reading.path in before and before[reading.path].blob == reading.blob


def _results(reading: ParsedFile) -> int:
    return len(reading.declarations) + len(reading.invalid)


def _pairs(readings: Iterable[ParsedFile]) -> frozenset[ModelKey]:
    """Every pair that these files declare, validly or not."""
    pairs: set[ModelKey] = set()
    for reading in readings:
        pairs.update(found.pair for found in reading.declarations)
        pairs.update(
            ModelKey(found.model_name, found.model_version)
            for found in reading.invalid
            if found.model_name is not None and found.model_version is not None
        )
    return frozenset(pairs)


def _blob(file: File | None) -> str | None:
    return file.blob if file else None
