"""Reads what git declares for one target: the files that differ from the index, or all of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.budgets import shortened
from reconciler.contract.model_key import ModelKey
from reconciler.engine.desired_state import DesiredState
from reconciler.engine.last_commits import find_last_commits
from reconciler.engine.values import ManifestRef, ParsedFile
from reconciler.errors import BudgetError, SourceError
from reconciler.manifest import InvalidManifest, Reason
from reconciler.manifest.reading import is_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.manifest_parser import FileLookup, ManifestParser
    from reconciler.engine.ports.git import Blobs, Index, Source
    from reconciler.engine.values import File, LastCommit
    from reconciler.manifest import Manifest

    _ByPath = dict[str, ParsedFile]


_FEW = 200  # files that changed in one cycle: so many are compared with the registry, for which they are read


def desired_state(  # noqa: PLR0913 - what is asked, and what it is found with
    source: Source,
    index: Index,
    parser: ManifestParser,
    commit: str,
    *,
    with_last_commits: bool = True,
    reconciled: str | None = None,
) -> DesiredState:
    """What the target declares at `commit`; where that is too much to be read, at the last commit that was.

    The index is used as far as it goes: of an ancestor, only what changed since is looked at; of any other
    commit, what files of the same content said is not read again. Who gave the files that were read their
    content is asked only `with_last_commits`, since git may have to go through all of its log for it;
    a state without them must not be saved. `reconciled` is the commit that was reconciled last, for where the
    index holds none. Raises SourceError.
    """
    state_reader = DesiredStateReader(source, index, parser, commit, with_last_commits)
    try:
        return state_reader.read()
    except BudgetError as error:
        problem = str(error)  # not the error itself, which holds all that was read
    return state_reader.before(reconciled, problem)


@dataclass(frozen=True, slots=True)
class DesiredStateReader:
    """What one target's files are looked up with, at one commit."""

    source: Source
    index: Index
    parser: ManifestParser
    commit: str
    with_last_commits: bool
    notes: list[str] = field(default_factory=list)

    def read(self) -> DesiredState:
        """What differs from the index, or else everything. Raises BudgetError, SourceError."""
        base = self.index.base()
        if base is None:
            return self.full()
        if base == self.commit:
            return self.state({}, base=base)
        changes = self.source.changes(base, self.commit, self.parser.root)
        since = self.source.graph_since(base, self.commit, self.parser.root)
        if since is None or since.cut is not None:
            return self.full()
        return self.full(base, since) if changes is None else self.incremental(base, changes, since)

    def before(self, reconciled: str | None, problem: str) -> DesiredState:
        """What the target declared at the last commit that could be read, with why it is not the newest."""
        last = self.index.base() or (reconciled if reconciled != self.commit else None)
        if last is None:
            return self._excessive(self.state({}), problem, "nothing of this target is known from before")
        try:
            state = replace(self, commit=last).read()
        except SourceError as lost:
            why = f"what it declared at {last[:12]} cannot be read either: {lost}"
            return self._excessive(self.state({}), problem, why)
        return self._excessive(state, problem, f"until then, what it declared at {last[:12]} goes on")

    def _excessive(self, state: DesiredState, problem: str, what_now: str) -> DesiredState:
        root, budgets = self.parser.root, self.parser.budgets
        message = shortened(f"commit {self.commit[:12]}: {problem}; {what_now}", budgets.reason)
        state.excess = InvalidManifest(root, 1, (Reason("over-budget", message, root),))
        return state

    def incremental(self, base: str, changes: Mapping[str, File | None], since: CommitGraph) -> DesiredState:
        """What differs from the index, and which pairs that may concern.

        A file is read again when it or one that it names has changed. Its last commits are found again when
        any commit touched it: it may have been changed and changed back.
        """
        touched = {delta.path for logged in since for delta in logged.deltas}
        namers = self.index.parsed_files(naming=changes)
        naming = {parsed_file.path for parsed_file in namers} - changes.keys()
        files = {**changes, **self.source.files(self.commit, naming)} if naming else changes

        def find_file(path: str) -> File | None:
            return changes[path] if path in changes else self.source.files(self.commit, [path]).get(path)

        before = {indexed.path: indexed for indexed in self.index.parsed_files({*files, *touched})}
        there = [file for file in files.values() if file is not None]
        by_blob = {indexed.blob: indexed for indexed in before.values()} if len(there) > _FEW else {}
        fresh, facts = self._read(there, by_blob, find_file)
        says = {path: fresh.get(path) if path in files else before[path] for path in {*fresh, *before}}
        to_attribute = [says[path] for path in {*touched, *fresh} & says.keys()]
        attributed = self._with_commits_since(
            base, since, [entry for entry in to_attribute if entry is not None], before
        )
        says |= {parsed_file.path: parsed_file for parsed_file in attributed}
        changed = {path: parsed_file for path, parsed_file in says.items() if parsed_file != before.get(path)}
        concerned = _pairs(
            [*filter(None, changed.values()), *(before[path] for path in changed if path in before)]
        )
        now = self.state(changed, base=base, since=since, before=before, touched=concerned, **facts)
        if fresh:
            self.parser.require_few(now.number())
        return now

    def full(self, base: str = "", since: CommitGraph | None = None) -> DesiredState:
        """Everything, of which nothing is read that the index knows by its content.

        The commits since the base, where they are given, tell who gave the changed documents their content,
        so that the log of all commits is not read for it.
        """
        unchanged, fresh, gone, facts = self._every_file()
        says, before = unchanged | fresh, dict[str, ParsedFile]()
        if since is None:
            attributed = self._with_commits([*says.values()])
        else:
            touched = {delta.path for logged in since for delta in logged.deltas}
            before = gone | {path: unchanged[path] for path in touched & unchanged.keys()}
            to_attribute = [says[path] for path in {*touched, *fresh} & says.keys()]
            attributed = self._with_commits_since(base, since, to_attribute, before)
        says |= {parsed_file.path: parsed_file for parsed_file in attributed}
        state = self.state(says, since=since, before=before, **facts)
        self.parser.require_few(state.number())
        return state

    def _every_file(self) -> tuple[_ByPath, _ByPath, _ByPath, dict[str, Any]]:
        """What the index says of unchanged files, what others say, and what is gone; facts for `state`."""
        snapshot = self.source.snapshot(self.commit, self.parser.root)
        files = {file.path: file for file in snapshot.files}
        by_path = {file.path: file for file in snapshot.files if self.parser.concerns(file)}
        unchanged: _ByPath = {}
        elsewhere: dict[str, ParsedFile] = {}
        for indexed in self.index.parsed_files():
            if indexed.path not in by_path or by_path[indexed.path].blob != indexed.blob:
                elsewhere[indexed.blob] = indexed
            elif all(_blob(files.get(path)) == blob for path, blob in indexed.config_files):
                unchanged[indexed.path] = indexed
        unread = [file for file in by_path.values() if file.path not in unchanged]
        fresh, facts = self._read(unread, elsewhere, files.get)
        now = {file.blob for file in unread}
        gone = {indexed.path: indexed for blob, indexed in elsewhere.items() if blob not in now}
        return unchanged, fresh, gone, {"exists": snapshot.exists, "instead": snapshot.instead, **facts}

    def _read(
        self, files: Iterable[File], by_blob: Mapping[str, ParsedFile], find_file: FileLookup
    ) -> tuple[_ByPath, dict[str, Any]]:
        """What these files say, and facts of the reading for `state`.

        Not read again is a file whose content is known from another one, by its blob.
        """
        same_content: _ByPath = {}
        unread: list[File] = []
        for file in files:
            same = by_blob.get(file.blob)
            parsed_file = (
                same_content_at(same, file.path) if same is not None and self.parser.reads(file) else None
            )
            if parsed_file is None:
                unread.append(file)
            else:
                same_content[file.path] = parsed_file
        fresh, manifests = read_files(self.parser, self.source, unread, find_file)
        return fresh | same_content, {"parsed": len(fresh), "manifests": manifests}

    def state(self, changed: Mapping[str, ParsedFile | None], **facts: Any) -> DesiredState:  # noqa: ANN401
        """The answer; `facts` are fields of DesiredState that are not as usual."""
        notes = tuple(self.notes)
        return DesiredState(self.commit, changed, self.source, self.index, self.parser, notes=notes, **facts)

    def _with_commits_since(
        self, base: str, since: CommitGraph, parsed_files: list[ParsedFile], before: Mapping[str, ParsedFile]
    ) -> list[ParsedFile]:
        """The files with who gave each document its content; git is asked only about what is older.

        For content that is the same at `base`, the index has the last commits, unless the content is another
        file's by now.
        """
        if not self.with_last_commits:
            return parsed_files
        made_since = find_last_commits(since, self.source, parsed_files, before.values())
        elsewhere = {path for commit, paths in made_since.older.items() if commit != base for path in paths}
        unchanged = set(made_since.older.get(base, ())) - elsewhere
        made: list[ParsedFile] = []
        older: list[ParsedFile] = []
        for parsed_file in parsed_files:
            path = parsed_file.path
            indexed = before[path] if path in unchanged and path in before else None
            commits_before = (
                indexed.last_commits if indexed is not None and indexed.blob == parsed_file.blob else ()
            )
            whole = _with(parsed_file, {**dict(commits_before), **made_since.by_file.get(path, {})})
            (made if len(whole.last_commits) == parsed_file.results else older).append(whole)
        return made + self._with_commits(older)

    def _with_commits(self, parsed_files: list[ParsedFile]) -> list[ParsedFile]:
        """The files with who gave each document its content, as the whole log tells."""
        if not self.with_last_commits or not parsed_files:
            return parsed_files
        with self.source.graph(self.commit, [parsed_file.path for parsed_file in parsed_files]) as graph:
            by_file = find_last_commits(graph, self.source, parsed_files).by_file
        if graph.cut is None:
            return [_with(parsed_file, by_file.get(parsed_file.path, {})) for parsed_file in parsed_files]
        self.notes.append(f"who declared some models is not known: {graph.cut}")
        return [_with(one, {**dict(one.last_commits), **by_file.get(one.path, {})}) for one in parsed_files]


def _with(parsed_file: ParsedFile, last_commits: Mapping[int, LastCommit]) -> ParsedFile:
    return parsed_file._replace(last_commits=tuple(sorted(last_commits.items())))


def _pairs(parsed_files: Iterable[ParsedFile]) -> frozenset[ModelKey]:
    """Every pair that these files declare, validly or not."""
    pairs: set[ModelKey] = set()
    for parsed_file in parsed_files:
        pairs.update(ref.pair for ref in parsed_file.declarations)
        pairs.update(
            ModelKey(ref.model_name, ref.model_version)
            for ref in parsed_file.invalid
            if ref.model_name is not None and ref.model_version is not None
        )
    return frozenset(pairs)


def _blob(file: File | None) -> str | None:
    return file.blob if file else None


def same_content_at(parsed_file: ParsedFile, path: str) -> ParsedFile | None:
    """What a file of the same content says elsewhere; None where that takes a look at it.

    What is wrong with a file, and what it names beside it, depends on where it is.
    """
    if parsed_file.invalid or parsed_file.config_files or is_json(path) != is_json(parsed_file.path):
        return None
    declarations = [
        ManifestRef(pair, digest, path, line, tuple([replace(warning, path=path) for warning in warnings]))
        for pair, digest, _, line, warnings in parsed_file.declarations
    ]
    return ParsedFile(path, parsed_file.blob, tuple(declarations))


def read_files(
    parser: ManifestParser, source: Blobs, files: Iterable[File], find_file: FileLookup
) -> tuple[dict[str, ParsedFile], dict[ModelKey, Manifest]]:
    """What these files say, by path, and some of their manifests whole; by one subprocess."""
    parsed_files: dict[str, ParsedFile] = {}
    whole: dict[ModelKey, Manifest] = {}
    for parsed_file, manifests in parser.read(source, files, find_file):
        parsed_files[parsed_file.path] = parsed_file
        if len(whole) < parser.kept:
            whole |= {manifest.pair: manifest for manifest in manifests}
    return parsed_files, whole
