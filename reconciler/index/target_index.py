"""One target's part of the index."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import HistoryUpdate, LastCommit, ManifestRef, ParsedFile
from reconciler.index import history as branch
from reconciler.index.text_codec import to_bytes, to_text
from reconciler.manifest import InvalidManifest
from reconciler.manifest.values import reason_of, row_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.index.history import Statement
    from reconciler.index.store import Store

_TABLES = ("config_file", "document")
_DECLARED = "path, line, name, version, digest, warnings"
_DECLARATIONS = f"SELECT {_DECLARED} FROM document WHERE target = ? AND name IS NOT NULL"  # noqa: S608 - names of this module
_DOCUMENTS = f"SELECT {_DECLARED}, blob, last_commits, faults FROM document WHERE target = ?"  # noqa: S608 - names of this module
_LAST_COMMITS = "SELECT path, last_commits FROM document WHERE target = ? AND last_commits IS NOT NULL"
_IN_ORDER = " ORDER BY path, rowid"
_NOTHING = (None, None, None, None, None)  # in place of a declaration
_OF_FILE = len(_NOTHING) + 1  # where what is of a whole file begins in a row of `_DOCUMENTS`
_NUMBER = "SELECT number FROM target WHERE name = ?"
_NUMBER_OF_FILE = """
SELECT count(name) + count(faults) FROM document WHERE target = ? AND path = ?
"""
_CONFIG_FILES = "SELECT path, named, blob FROM config_file WHERE target = ? AND path BETWEEN ? AND ?"
_AT_ONCE = 5000  # rows that are in memory together


class TargetIndex:
    """One target's part of the index; implements `reconciler.engine.ports.Index`."""

    def __init__(self, store: Store, target: str, rules: str) -> None:
        self.rules = rules
        self._store = store
        self._target = target

    def base(self) -> str | None:
        """The commit whose files it holds; None when it holds nothing."""
        query = "SELECT base FROM target WHERE name = ? AND rules = ?"
        return next((base for (base,) in self._store.rows(query, (self._target, self.rules))), None)

    def parsed_files(
        self,
        paths: Collection[str] | None = None,
        *,
        naming: Collection[str] | None = None,
        faulty: bool = False,
    ) -> Iterator[ParsedFile]:
        """What files say: all, or those of these paths, naming one of these, or with something invalid."""
        if self.base() is None:
            return
        raws = None if paths is None else _raws(paths)
        if naming is not None:
            query = "SELECT path FROM config_file WHERE target = ? AND named = ?"
            named = (self._store.rows(query, (self._target, raw)) for raw in _raws(naming))
            raws = sorted({path for rows in named for (path,) in rows})
        elif faulty:
            query = "SELECT path FROM document WHERE target = ? AND faults IS NOT NULL"
            raws = [path for (path,) in self._store.rows(query, (self._target,))]
        yield from self._stored_files(raws)

    def declarations(
        self, pairs: Collection[ModelKey] | None = None, *, names: Collection[str] | None = None
    ) -> Iterator[ManifestRef]:
        """Who declares these pairs, or a version of one of these names; with neither, all that there is."""
        asked: Iterable[tuple[str, tuple[str, ...]]] = [("", ())]
        if names is not None:
            asked = ((" AND name = ?", (name,)) for name in names)
        elif pairs is not None:
            asked = ((" AND name = ? AND version = ?", tuple(pair)) for pair in pairs)
        for where, values in asked:
            rows = self._store.rows(_DECLARATIONS + where, (self._target, *values))
            yield from (_declaration(to_text(row[0]), row) for row in rows)

    def last_commits(self, paths: Collection[str] | None) -> Iterator[tuple[tuple[str, int], LastCommit]]:
        """Who gave the documents of these files the content they have, by path and line."""
        mine = (self._target,)
        if paths is None:
            rows: Iterable[tuple[Any, ...]] = self._store.rows(_LAST_COMMITS, mine)
        else:
            asked = ((*mine, raw) for raw in _raws(paths))
            rows = (row for one in asked for row in self._store.rows(f"{_LAST_COMMITS} AND path = ?", one))
        for path, written in rows:
            for line, last_commit in _last_commits(written):
                yield (to_text(path), line), last_commit

    def number(self, without: Collection[str]) -> int:
        """How many documents and files declare something, or fail to; without those of some files."""
        total = sum(number for (number,) in self._store.rows(_NUMBER, (self._target,)))
        less = [
            number
            for path in without
            for (number,) in self._store.rows(_NUMBER_OF_FILE, (self._target, to_bytes(path)))
        ]
        return int(total - sum(less))

    def save(
        self,
        commit: str | None,
        changed: Mapping[str, ParsedFile | None],
        *,
        whole: bool,
        history: HistoryUpdate | None = None,
    ) -> None:
        """Holds from now on what the files of this commit say, all or none of it; None for nothing."""
        if commit is None:
            history = None
            files: Iterable[Statement] = [("DELETE FROM target WHERE name = ?", [(self._target,)])]
        else:
            files = self._statements(commit, changed, whole=whole)
        # one transaction: the base of one commit with files of another would hide what changed between them
        self._store.write([*files, *branch.save_statements(self._target, commit, history)])

    def _statements(
        self, commit: str, changed: Mapping[str, ParsedFile | None], *, whole: bool
    ) -> Iterator[Statement]:
        target = self._target
        now = [parsed_file for parsed_file in changed.values() if parsed_file is not None]
        # kept, for a count of all would cost what there is
        declaring = sum(len(one.declarations) + bool(one.invalid) for one in now)
        number = declaring + (0 if whole else self.number(changed))
        for table in _TABLES:
            if whole:
                yield f"DELETE FROM {table} WHERE target = ?", [(target,)]  # noqa: S608 - names of this module
            else:
                gone = [(target, to_bytes(path)) for path in changed]
                yield f"DELETE FROM {table} WHERE target = ? AND path = ?", gone  # noqa: S608
        yield (
            "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (row for parsed_file in now for row in self._documents(parsed_file)),
        )
        yield (
            "INSERT INTO config_file VALUES (?, ?, ?, ?, ?)",
            (
                (target, to_bytes(parsed_file.path), place, to_bytes(named), blob)
                for parsed_file in now
                for place, (named, blob) in enumerate(parsed_file.config_files)
            ),
        )
        yield "REPLACE INTO target VALUES (?, ?, ?, ?)", [(target, self.rules, commit, number)]

    def _documents(self, parsed_file: ParsedFile) -> Iterator[tuple[Any, ...]]:
        """The rows of a file, at least one."""
        faults = [
            [one.line, one.model_name, one.model_version, list(map(row_of, one.reasons))]
            for one in parsed_file.invalid
        ]
        declared = iter(parsed_file.declarations)
        place = (self._target, to_bytes(parsed_file.path))
        of_file = (
            parsed_file.blob,
            _written(parsed_file.last_commits),
            json.dumps(faults) if faults else None,
        )
        first = next(declared, None)
        yield *place, *(_NOTHING if first is None else _columns(first)), *of_file
        for one in declared:
            yield *place, *_columns(one), None, None, None

    def _stored_files(self, paths: Collection[bytes] | None) -> Iterator[ParsedFile]:
        """Those of these files, or of all; some after others, for there may be very many."""
        if paths is not None:
            for path in paths:
                query = f"{_DOCUMENTS} AND path = ?{_IN_ORDER}"
                yield from self._joined(self._store.rows(query, (self._target, path)))
            return
        last = b""
        while rows := self._some(last):
            last = rows[-1][0]
            yield from self._joined(rows)

    def _some(self, last: bytes) -> list[tuple[Any, ...]]:
        """The rows of the next files behind a path, each file's all of them."""
        query = f"{_DOCUMENTS} AND path > ?{_IN_ORDER} LIMIT {_AT_ONCE}"
        rows = self._store.rows(query, (self._target, last))
        if len(rows) == _AT_ONCE:  # the rest of the last file, which may have very many documents
            path, there = rows[-1][0], sum(row[0] == rows[-1][0] for row in rows)
            query = f"{_DOCUMENTS} AND path = ?{_IN_ORDER} LIMIT -1 OFFSET {there}"
            rows += self._store.rows(query, (self._target, path))
        return rows

    def _joined(self, rows: list[tuple[Any, ...]]) -> Iterator[ParsedFile]:
        """What some files say, of all of their rows in order."""
        if not rows:
            return
        span = (self._target, rows[0][0], rows[-1][0])
        config_files: defaultdict[bytes, list[tuple[str, str]]] = defaultdict(list)
        for raw, named, blob in self._store.rows(_CONFIG_FILES, span):
            config_files[raw].append((to_text(named), blob))
        for raw, of_file in groupby(rows, key=itemgetter(0)):
            path = to_text(raw)  # once for all that is said of the file: there may be very many of them
            documents = list(of_file)
            blob, written, faults = documents[0][_OF_FILE:]
            yield ParsedFile(
                path,
                blob,
                tuple([_declaration(path, row) for row in documents if row[2] is not None]),
                () if faults is None else tuple([_fault(path, *fault) for fault in json.loads(faults)]),
                tuple(config_files.get(raw, ())),
                _last_commits(written),
            )


def _declaration(path: str, row: tuple[Any, ...]) -> ManifestRef:
    """The declaration of a row of `_DECLARED`, with the path decoded."""
    _, line, name, version, digest, warnings = row[:_OF_FILE]
    reasons = () if warnings is None else tuple(map(reason_of, json.loads(warnings)))
    return ManifestRef(ModelKey(name, version), digest, path, line, reasons)


def _columns(ref: ManifestRef) -> tuple[Any, ...]:
    """The columns of `_DECLARED` behind the path."""
    warnings = json.dumps(list(map(row_of, ref.warnings))) if ref.warnings else None
    return ref.line, *ref.pair, ref.digest, warnings


def _fault(
    path: str, line: int, name: str | None, version: str | None, reasons: list[Any]
) -> InvalidManifest:
    return InvalidManifest(path, line, tuple(map(reason_of, reasons)), name, version)


@lru_cache(maxsize=1024)  # a commit that declares many models is told of all of them
def _last_commits(written: str) -> tuple[tuple[int, LastCommit], ...]:
    return tuple((line, LastCommit(commit, author)) for line, commit, author in json.loads(written))


@lru_cache(maxsize=1024)
def _written(last_commits: tuple[tuple[int, LastCommit], ...]) -> str:
    return json.dumps([[line, *last_commit] for line, last_commit in last_commits])


def _raws(paths: Iterable[str]) -> list[bytes]:
    return list(map(to_bytes, paths))
