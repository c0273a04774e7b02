"""One target's part of the index."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import HistoryUpdate, LastCommit, ManifestRef, ParsedFile
from reconciler.index import history as branch
from reconciler.manifest import InvalidManifest
from reconciler.manifest.values import reason_of, row_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.index.history import Statement
    from reconciler.index.store import Store

_TABLES = ("companion", "declaration", "file")
_DECLARED = "path, line, name, version, digest, warnings"
_DECLARATIONS = f"SELECT {_DECLARED} FROM declaration WHERE target = ?"  # noqa: S608 - names of this module
_NUMBER = "SELECT number FROM target WHERE name = ?"
_NUMBER_OF_FILE = """
SELECT (SELECT count(*) FROM declaration WHERE target = ?1 AND path = ?2)
    + (SELECT count(*) FROM file WHERE target = ?1 AND path = ?2 AND faults IS NOT NULL)
"""
_AT_ONCE = 5000  # files whose rows are in memory together


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
            query = "SELECT path FROM companion WHERE target = ? AND named = ?"
            found = (self._store.rows(query, (self._target, raw)) for raw in _raws(naming))
            raws = sorted({path for rows in found for (path,) in rows})
        elif faulty:
            query = "SELECT path FROM file WHERE target = ? AND faults IS NOT NULL"
            raws = [path for (path,) in self._store.rows(query, (self._target,))]
        yield from self._readings(raws)

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
            found = self._store.rows(_DECLARATIONS + where, (self._target, *values))
            yield from (_declaration(_path(row[0]), row) for row in found)

    def last_commits(self, paths: Collection[str] | None) -> Iterator[tuple[tuple[str, int], LastCommit]]:
        """Who gave the documents of these files the content they have, by path and line."""
        for path, written in self._rows("path, credits", "file", None if paths is None else _raws(paths)):
            for line, credit in _credits(written):
                yield (_path(path), line), credit

    def number(self, without: Collection[str]) -> int:
        """How many documents and files declare something, or fail to; without those of some files."""
        total = sum(number for (number,) in self._store.rows(_NUMBER, (self._target,)))
        less = [
            number
            for path in without
            for (number,) in self._store.rows(_NUMBER_OF_FILE, (self._target, _raw(path)))
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
        self._store.write([*files, *branch.moved(self._target, commit, history)])

    def _statements(
        self, commit: str, changed: Mapping[str, ParsedFile | None], *, whole: bool
    ) -> Iterator[Statement]:
        target = self._target
        now = [reading for reading in changed.values() if reading is not None]
        # kept, for a count of all would cost what there is
        number = sum(map(_number, now)) + (0 if whole else self.number(changed))
        for table in _TABLES:
            if whole:
                yield f"DELETE FROM {table} WHERE target = ?", [(target,)]  # noqa: S608 - names of this module
            else:
                gone = [(target, _raw(path)) for path in changed]
                yield f"DELETE FROM {table} WHERE target = ? AND path = ?", gone  # noqa: S608
        yield "INSERT INTO file VALUES (?, ?, ?, ?, ?)", (self._file(reading) for reading in now)
        yield (
            "INSERT INTO declaration VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    target,
                    _raw(d.path),
                    d.line,
                    *d.pair,
                    d.digest,
                    json.dumps(list(map(row_of, d.warnings))) if d.warnings else None,
                )
                for reading in now
                for d in reading.declarations
            ),
        )
        yield (
            "INSERT INTO companion VALUES (?, ?, ?, ?, ?)",
            (
                (target, _raw(reading.path), place, _raw(named), blob)
                for reading in now
                for place, (named, blob) in enumerate(reading.config_files)
            ),
        )
        yield "REPLACE INTO target VALUES (?, ?, ?, ?)", [(target, self.rules, commit, number)]

    def _file(self, reading: ParsedFile) -> tuple[Any, ...]:
        faults = [
            [one.line, one.model_name, one.model_version, list(map(row_of, one.reasons))]
            for one in reading.invalid
        ]
        return (
            self._target,
            _raw(reading.path),
            reading.blob,
            _written(reading.last_commits),
            json.dumps(faults) if faults else None,
        )

    def _readings(self, paths: Collection[bytes] | None) -> Iterator[ParsedFile]:
        """Those of these files, or of all; some after others, for there may be very many."""
        columns = "path, blob, credits, faults"
        if paths is not None:
            for path in paths:
                yield from self._joined(self._rows(columns, "file", [path]), (path, path))
            return
        query = f"SELECT {columns} FROM file WHERE target = ? AND path > ? ORDER BY path LIMIT {_AT_ONCE}"  # noqa: S608
        last = b""
        while files := self._store.rows(query, (self._target, last)):
            first, last = files[0][0], files[-1][0]
            yield from self._joined(files, (first, last))

    def _joined(self, files: Iterable[tuple[Any, ...]], span: tuple[bytes, bytes]) -> Iterator[ParsedFile]:
        """What these files say, which are all from one path to another."""

        def between(columns: str, table: str) -> list[tuple[Any, ...]]:
            query = f"SELECT {columns} FROM {table} WHERE target = ? AND path BETWEEN ? AND ?"  # noqa: S608
            return self._store.rows(query, (self._target, *span))

        declarations = _grouped(between(_DECLARED, "declaration"))
        companions = _grouped(between("path, named, blob", "companion"))
        for raw, blob, written, faults in files:
            path = _path(raw)  # once for all that is said of the file: there may be very many of them
            yield ParsedFile(
                path,
                blob,
                tuple([_declaration(path, row) for row in declarations.get(raw, ())]),
                () if faults is None else tuple(_fault(path, *fault) for fault in json.loads(faults)),
                tuple([(_path(named), other) for _, named, other in companions.get(raw, ())]),
                _credits(written),
            )

    def _rows(self, columns: str, table: str, paths: Collection[bytes] | None) -> Iterable[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM {table} WHERE target = ?"  # noqa: S608 - names of this module
        if paths is None:
            return self._store.rows(query, (self._target,))
        return (
            row for path in paths for row in self._store.rows(f"{query} AND path = ?", (self._target, path))
        )


def _number(reading: ParsedFile) -> int:
    return len(reading.declarations) + bool(reading.invalid)


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[bytes, list[tuple[Any, ...]]]:
    """Rows by their first column, a path."""
    grouped: dict[bytes, list[tuple[Any, ...]]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    return grouped


def _declaration(path: str, row: tuple[Any, ...]) -> ManifestRef:
    """The declaration of a row of `_DECLARED`, with the path decoded."""
    _, line, name, version, digest, warnings = row
    told = () if warnings is None else tuple(map(reason_of, json.loads(warnings)))
    return ManifestRef(ModelKey(name, version), digest, path, line, told)


def _fault(
    path: str, line: int, name: str | None, version: str | None, reasons: list[Any]
) -> InvalidManifest:
    return InvalidManifest(path, line, tuple(map(reason_of, reasons)), name, version)


@lru_cache(maxsize=1024)  # a commit that declares many models is told of all of them
def _credits(written: str) -> tuple[tuple[int, LastCommit], ...]:
    return tuple((line, LastCommit(commit, author)) for line, commit, author in json.loads(written))


@lru_cache(maxsize=1024)
def _written(last_commits: tuple[tuple[int, LastCommit], ...]) -> str:
    return json.dumps([[line, *credit] for line, credit in last_commits])


def _raws(paths: Iterable[str]) -> list[bytes]:
    return list(map(_raw, paths))


def _raw(path: str) -> bytes:
    """A path's bytes: it may hold some that are not UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def _path(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
