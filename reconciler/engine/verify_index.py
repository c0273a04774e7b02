"""Compares the index with git.

Its files are compared with git's own listing, and what some of them say with what they say when they are read
again. Of the history that the index has, the number of commits is compared, and what some of them did. Every
file's object id is compared each time. Reading all of a hundred thousand files would take as long as a start
with nothing, so each check reads some of them, beginning anywhere.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.engine.graph import Logged, generation_of
from reconciler.engine.history import model_changes
from reconciler.engine.last_commits import find_last_commits
from reconciler.errors import BudgetError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.manifest_parser import ManifestParser
    from reconciler.engine.ports.git import Index, KeptHistory, Source
    from reconciler.engine.target import Target
    from reconciler.engine.values import ParsedFile

FILES_CHECKED = 1000
"""Files whose content one check reads."""

_LAST_COMMITS_CHECKED = 50  # the log is walked until each of them is found
_COMMITS_CHECKED = 200  # commits


def verify_index(source: Source, target: Target, chance: float) -> int:
    """How many files of the target's index are wrong, of those that were checked: 0 without a mistake.

    `chance`, in [0, 1), says where in the listing to begin reading. Raises SourceError.
    """
    commit = target.index.base()
    if commit is None:
        return 0
    try:
        wrong = _wrong_files(source, target.index, target.parser, commit, chance)
        return wrong or _wrong_history(source, target.history, commit, target.path, chance)
    except BudgetError:  # the next cycle that looks at everything tells of it
        return 0


def _wrong_files(source: Source, index: Index, parser: ManifestParser, commit: str, chance: float) -> int:
    """How many files of this commit's index are wrong, of those that were checked."""
    files = {file.path: file for file in source.snapshot(commit, parser.root).files}
    by_path = {path: file for path, file in files.items() if parser.concerns(file)}
    blobs = {parsed_file.path: parsed_file.blob for parsed_file in index.parsed_files()}
    wrong = {path for path, file in by_path.items() if blobs.get(path) != file.blob}
    wrong |= blobs.keys() - by_path.keys()
    paths = sorted(by_path.keys() - wrong)
    start = int(chance * len(paths))
    some = list(islice((*paths[start:], *paths[:start]), FILES_CHECKED))
    indexed = {parsed_file.path: parsed_file for parsed_file in index.parsed_files(some)}
    for parsed_file, _ in parser.again().read(source, (files[path] for path in some), files.get):
        if _outline(indexed[parsed_file.path]) != _outline(parsed_file):
            wrong.add(parsed_file.path)
    few = [indexed[path] for path in some[:_LAST_COMMITS_CHECKED]]
    if few:
        with source.graph(commit, [parsed_file.path for parsed_file in few]) as graph:
            made = find_last_commits(graph, source, few).by_file
        if graph.cut is None:
            wrong |= {r.path for r in few if r.last_commits != tuple(sorted(made.get(r.path, {}).items()))}
    return len(wrong)


def _outline(parsed_file: ParsedFile) -> ParsedFile:
    """What the file says, with one problem a document: how many were told depends on what else was read."""
    return parsed_file._replace(
        declarations=tuple(one._replace(warnings=one.warnings[:1]) for one in parsed_file.declarations),
        invalid=tuple(replace(one, reasons=one.reasons[:1]) for one in parsed_file.invalid),
        last_commits=(),
    )


def _wrong_history(source: Source, kept: KeptHistory, indexed: str, root: str, chance: float) -> int:
    """How many commits of the history that is kept are wrong, of those that were looked at.

    One where it is of another commit than the files are, or has another number of commits than git.
    """
    commit = kept.base()
    if commit is None:
        return 0
    if commit != indexed or kept.number() != source.number_of_commits(commit):
        return 1
    some = kept.some(f"{int(chance * 2**32):08x}", _COMMITS_CHECKED) or kept.some("", _COMMITS_CHECKED)
    try:
        graph = source.some_commits(some, root)
    except BudgetError:  # with a smaller budget than it was kept with
        return 0
    except SourceError:  # one of them is not there
        return 1
    few = list(_few(graph))
    older = kept.generations({parent for logged in few for parent in logged.parents})
    generation = {logged.commit: generation_of(logged, older) for logged in few}
    asked = model_changes(graph.only(few), source, root, generation=generation)
    now = {(pair, *change) for pair, changes in asked.items() for change in changes}
    before = {(pair, *change) for commit in generation for pair, change in kept.changes(commit=commit)}
    return len({change[2].commit for change in now ^ before})


def _few(graph: Iterable[Logged]) -> Iterator[Logged]:
    """Of these commits, so many that not too many files are read for them."""
    files = 0
    for logged in graph:
        if files + len(logged.deltas) <= FILES_CHECKED:
            files += len(logged.deltas)
            yield logged
