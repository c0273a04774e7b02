"""Whether the index tells the truth: its files by git's own listing, and what some of them say read anew.

Of the history that is kept, the number of commits is compared, and what some of them did is asked anew.

Every file's object id is compared each time. Reading all of a hundred thousand files would take as long as
a start with nothing, so each audit reads some of them, beginning anywhere.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.engine.credit import credit
from reconciler.engine.graph import Logged, place_of
from reconciler.engine.history import model_changes, whole_history
from reconciler.errors import BudgetError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.engine.desired import ManifestParser
    from reconciler.engine.options import Target
    from reconciler.engine.ports import Index, KeptHistory, Source
    from reconciler.engine.values import ParsedFile

READ_ANEW = 1000
"""Files whose content one audit reads."""

_CREDITED_ANEW = 50  # the log is walked until each of them is found
_ASKED_ANEW = 200  # commits


def audit(source: Source, target: Target, chance: float) -> int:
    """How many files the target's index has wrong, of those that were looked at; 0 unless it is mistaken.

    `chance`, in [0, 1), says where in the listing to begin reading. Raises SourceError.
    """
    commit = target.index.base()
    if commit is None:
        return 0
    try:
        wrong = _wrong_files(source, target.index, target.reader, commit, chance)
        return wrong or _wrong_history(source, target.history, commit, target.path, chance)
    except BudgetError:  # the next cycle that looks at everything tells of it
        return 0


def _wrong_files(source: Source, index: Index, reader: ManifestParser, commit: str, chance: float) -> int:
    """How many files the index of this commit has wrong, of those that were looked at."""
    files = {file.path: file for file in source.snapshot(commit, reader.root).files}
    by_path = {path: file for path, file in files.items() if reader.concerns(file)}
    held = {parsed_file.path: parsed_file.blob for parsed_file in index.parsed_files()}
    wrong = {path for path, file in by_path.items() if held.get(path) != file.blob}
    wrong |= held.keys() - by_path.keys()
    paths = sorted(by_path.keys() - wrong)
    start = int(chance * len(paths))
    some = list(islice((*paths[start:], *paths[:start]), READ_ANEW))
    indexed = {parsed_file.path: parsed_file for parsed_file in index.parsed_files(some)}
    for parsed_file, _ in reader.again().read(source, (files[path] for path in some), files.get):
        if _outline(indexed[parsed_file.path]) != _outline(parsed_file):
            wrong.add(parsed_file.path)
    few = [indexed[path] for path in some[:_CREDITED_ANEW]]
    if few:
        with source.graph(commit, [parsed_file.path for parsed_file in few]) as graph:
            made = credit(graph, source, few).by_file
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


def keep_history(source: Source, target: Target) -> None:
    """Keeps the history of the index's commit, if none is kept and it can be known. Raises SourceError."""
    index = target.index
    commit = index.base()
    if commit is None or target.history.base() == commit:
        return
    with suppress(BudgetError):
        update = whole_history(source, target.path, commit, index.parsed_files())
        if update is not None:
            index.save(commit, {}, whole=False, history=update)


def _wrong_history(source: Source, kept: KeptHistory, indexed: str, root: str, chance: float) -> int:
    """How many commits of the history that is kept are wrong, of those that were looked at.

    One where it is of another commit than the files are, or has another number of commits than git.
    """
    commit = kept.base()
    if commit is None:
        return 0
    if commit != indexed or kept.number() != source.number_of_commits(commit):
        return 1
    some = kept.some(f"{int(chance * 2**32):08x}", _ASKED_ANEW) or kept.some("", _ASKED_ANEW)
    try:
        graph = source.some_commits(some, root)
    except BudgetError:  # with a smaller budget than it was kept with
        return 0
    except SourceError:  # one of them is not there
        return 1
    few = list(_few(graph))
    before = kept.places({parent for logged in few for parent in logged.parents})
    place = {logged.commit: place_of(logged, before) for logged in few}
    asked = model_changes(graph.only(few), source, root, place=place)
    now = {(pair, *change) for pair, changes in asked.items() for change in changes}
    held = {(pair, *change) for commit in place for pair, change in kept.changes(commit=commit)}
    return len({change[2].commit for change in now ^ held})


def _few(graph: Iterable[Logged]) -> Iterator[Logged]:
    """Of these commits, so many that not too many files are read for them."""
    files = 0
    for logged in graph:
        if files + len(logged.deltas) <= READ_ANEW:
            files += len(logged.deltas)
            yield logged
