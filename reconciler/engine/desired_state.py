"""What git declares for one target at one commit: what was indexed at an earlier one, with the changes since.

    base commit ─changes─▶ files that differ ─read─▶ ParsedFile ─┐
    index of the base commit ────────────────────────────────────┴─▶ DesiredState: asked by pair, or whole

Nothing is written until the cycle that used it is remembered; then `save` moves the index to this commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.engine.history import history_update, whole_history
from reconciler.engine.manifest_parser import ManifestParser, group_by_key, reportable
from reconciler.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.graph import CommitGraph
    from reconciler.engine.ports.git import Index, KeptHistory, Source
    from reconciler.engine.values import Desired, File, HistoryUpdate, LastCommit, ManifestRef, ParsedFile
    from reconciler.manifest import InvalidManifest, Manifest

_AT_ONCE = 200  # files that are looked up together where a listing of all around them is over the budget


@dataclass(slots=True)
class DesiredState:
    """One target's declarations at one commit; used from the thread that git runs in.

    Attributes:
        changed: what files say that differ from the index, None where they are gone.
        base: the commit of the index that this was made from; None when everything was looked at anew.
        touched: pairs of which anything may have changed since the base.
        exists: whether the commit has the target's directory at all.
        instead: what has its name where there is none (see `Snapshot`).
        manifests: some of those that were read, whole.
        excess: what the commit that was asked for declares too much of, where this is of an earlier one.
        since: the commits since the base, where there are any.
        before: what the files that they touched said at the base.
    """

    commit: str
    changed: Mapping[str, ParsedFile | None]
    source: Source
    index: Index
    parser: ManifestParser
    base: str | None = None
    touched: frozenset[ModelKey] = frozenset()
    exists: bool = True
    instead: str = ""
    parsed: int = 0
    manifests: Mapping[ModelKey, Manifest] = field(default_factory=dict)
    excess: InvalidManifest | None = None
    notes: tuple[str, ...] = ()
    since: CommitGraph | None = None
    before: Mapping[str, ParsedFile] = field(default_factory=dict)

    def desired(self, pairs: Collection[ModelKey] | None = None) -> Desired:
        """What is declared of these pairs, or of all; what is invalid is told in any case."""
        return group_by_key(self._declarations(pairs), self.invalid())

    def invalid(self) -> tuple[InvalidManifest, ...]:
        """Everything that cannot be used."""
        faulty = [file for file in self._unchanged(self.index.parsed_files(faulty=True)) if file.invalid]
        faulty += [parsed_file for parsed_file in self._now() if parsed_file.invalid]
        silent = [parsed_file.path for parsed_file in faulty if not parsed_file.declarations]
        reported = tuple(reportable(faulty, self._named(silent)))
        return reported if self.excess is None else (self.excess, *reported)

    def hides_otherwise(self) -> bool:
        """Whether a file may declare anything now and none could at the base, or the reverse.

        What is declared nowhere then has to be judged anew for all models.
        """
        if self.excess is not None:
            return True
        if self.base is None or not self.changed:
            return False
        faulty = [parsed_file for parsed_file in self.index.parsed_files(faulty=True) if parsed_file.invalid]
        silent = [parsed_file.path for parsed_file in faulty if not parsed_file.declarations]
        namers = self.index.parsed_files(naming=silent)
        before = reportable(faulty, frozenset(path for one in namers for path, _ in one.config_files))
        return _hides(before) is not _hides(self.invalid())

    def last_commits(self, paths: Collection[str] | None = None) -> Mapping[tuple[str, int], LastCommit]:
        """Who gave the documents of these files, or of all, the content they have; by path and line."""
        indexed = () if self.base is None else self.index.last_commits(paths)
        by_place = {place: last_commit for place, last_commit in indexed if place[0] not in self.changed}
        for parsed_file in self._now():
            if paths is None or parsed_file.path in paths:
                by_place |= {
                    (parsed_file.path, line): last_commit for line, last_commit in parsed_file.last_commits
                }
        return by_place

    def number(self) -> int:
        """How many documents and files declare something, or fail to."""
        unchanged = 0 if self.base is None else self.index.number(self.changed)
        return unchanged + sum(parsed_file.results for parsed_file in self._now())

    def whole(self, declarations: Iterable[ManifestRef]) -> dict[ModelKey, Manifest]:
        """These manifests whole; those that were not just read are read again, by one subprocess."""
        by_pair = {ref.pair: ref for ref in declarations}
        refs = {pair: self.manifests[pair] for pair in by_pair if pair in self.manifests}
        paths = {ref.path for pair, ref in by_pair.items() if pair not in refs}
        if paths:
            files, places = self._files(sorted(paths)), {(ref.path, ref.line) for ref in by_pair.values()}
            for _, manifests in self.parser.again().read(self.source, files.values(), self._look):
                refs |= {one.pair: one for one in manifests if (one.path, one.line) in places}
        return refs

    def versions(self, names: Collection[str]) -> Mapping[str, frozenset[str]]:
        """The versions of these names that are declared, by name."""
        indexed = () if self.base is None else self.index.declarations(names=names)
        pairs = {ref.pair for ref in indexed if ref.path not in self.changed}
        pairs |= {ref.pair for parsed_file in self._now() for ref in parsed_file.declarations}
        return {
            name: frozenset(pair.model_version for pair in pairs if pair.model_name == name) for name in names
        }

    def save(self, kept: KeptHistory) -> None:
        """Moves the index to this commit, and with it the history that is kept.

        Writes nothing when it is there already, or nothing is known.
        """
        self.manifests = {}  # none is needed any more, and saving takes much memory
        if self.base != self.commit and (self.excess is None or self.changed):
            try:
                history = self._history(kept)
            except BudgetError:  # no history is kept then, rather than a part of it
                history = None
            self.index.save(self.commit, self.changed, whole=self.base is None, history=history)

    def _history(self, kept: KeptHistory) -> HistoryUpdate | None:
        """What the history that is kept lacks; None where it cannot be known, or none is kept."""
        if self.since is not None and kept.base() == self.index.base():
            files = [*self.before.values(), *self._now()]
            return history_update(
                self.since, self.source, self.parser.root, earlier=files, older=kept.generations
            )
        if self.base is not None:
            return None
        return whole_history(self.source, self.parser.root, self.commit, self._now())

    def _files(self, paths: list[str]) -> Mapping[str, File]:
        """The files at these paths; some after others where there is too much around them to be listed."""
        try:
            return self.source.files(self.commit, paths)
        except BudgetError:
            parts = (paths[start : start + _AT_ONCE] for start in range(0, len(paths), _AT_ONCE))
            parts_of = (self.source.files(self.commit, part) for part in parts)
            return {path: file for files in parts_of for path, file in files.items()}

    def _declarations(self, pairs: Collection[ModelKey] | None) -> Iterable[ManifestRef]:
        indexed = () if self.base is None else self.index.declarations(pairs)
        yield from (ref for ref in indexed if ref.path not in self.changed)
        for parsed_file in self._now():
            yield from (ref for ref in parsed_file.declarations if pairs is None or ref.pair in pairs)

    def _now(self) -> Iterable[ParsedFile]:
        return (parsed_file for parsed_file in self.changed.values() if parsed_file is not None)

    def _unchanged(self, parsed_files: Iterable[ParsedFile]) -> Iterable[ParsedFile]:
        return () if self.base is None else (file for file in parsed_files if file.path not in self.changed)

    def _named(self, paths: Collection[str]) -> frozenset[str]:
        """Those of these paths that some manifest names as its configuration."""
        if not paths:
            return frozenset()
        namers = self._unchanged(self.index.parsed_files(naming=paths))
        named = {path for parsed_file in (*namers, *self._now()) for path, _ in parsed_file.config_files}
        return frozenset(named.intersection(paths))

    def _look(self, path: str) -> File | None:
        return self.source.files(self.commit, [path]).get(path)


def _hides(invalid: Iterable[InvalidManifest]) -> bool:
    return any(document.may_declare_anything for document in invalid)
