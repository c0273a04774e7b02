"""Whether the index tells the truth: its files by git's own listing, and what some of them say read anew.

Every file's object id is compared each time. Reading all of a hundred thousand files would take as long as
a start with nothing, so each audit reads some of them, beginning anywhere.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from reconciler.engine.credit import credit

if TYPE_CHECKING:
    from reconciler.engine.desired import Reader
    from reconciler.engine.ports import Index, Source

READ_ANEW = 1000
"""Files whose content one audit reads."""

_CREDITED_ANEW = 50  # the log is walked until each of them is found


def audit(source: Source, index: Index, reader: Reader, chance: float) -> int:
    """How many files the index has wrong, of those that were looked at; 0 unless something is mistaken.

    Args:
        source: git, used from the thread it runs in.
        index: one target's.
        reader: reads that target's files.
        chance: in [0, 1); where in the listing to begin reading.

    Raises:
        SourceError: git could not be read.
    """
    commit = index.base()
    if commit is None:
        return 0
    files = {file.path: file for file in source.snapshot(commit, reader.root).files}
    wanted = {path: file for path, file in files.items() if reader.concerns(file)}
    held = dict(index.blobs())
    wrong = {path for path, file in wanted.items() if held.get(path) != file.blob}
    wrong |= held.keys() - wanted.keys()
    paths = sorted(wanted.keys() - wrong)
    start = int(chance * len(paths))
    some = list(islice((*paths[start:], *paths[:start]), READ_ANEW))
    known = {reading.path: reading for reading in index.readings(some)}
    for reading, _ in reader.read(source, (files[path] for path in some), files.get):
        if known[reading.path]._replace(credits=()) != reading:
            wrong.add(reading.path)
    few = [known[path] for path in some[:_CREDITED_ANEW]]
    if few:
        with source.graph(commit, [reading.path for reading in few]) as graph:
            made = credit(graph, source, few).found
        wrong |= {r.path for r in few if r.credits != tuple(sorted(made.get(r.path, {}).items()))}
    return len(wrong)
