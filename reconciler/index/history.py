"""What is kept of a branch's history: which commit did what to which model, and which commits there are.

Everything is of one commit, which moves with the index. Where an update is not certain, all of it is deleted,
and read from git again. Texts are stored as bytes, for names in broken manifests may hold what is not UTF-8.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import CommitInfo, FileChange, HistoryUpdate
from reconciler.index.text_codec import to_bytes, to_text
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.index.store import Store

    Statement = tuple[str, Iterable[tuple[Any, ...]]]

SCHEMA = """
CREATE TABLE history (target TEXT PRIMARY KEY, base TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE branch (
    target TEXT, hash BLOB, generation INTEGER NOT NULL, author TEXT, authored_at TEXT, subject TEXT,
    PRIMARY KEY (target, hash)
) WITHOUT ROWID;
CREATE TABLE change (
    target TEXT, name BLOB NOT NULL, version BLOB NOT NULL, hash BLOB NOT NULL, path BLOB NOT NULL,
    deleted INTEGER NOT NULL
);
CREATE INDEX change_by_pair ON change (target, name, version);
CREATE INDEX change_by_commit ON change (target, hash);
"""
_TABLES = ("history", "branch", "change")
_CHANGES = """
SELECT name, version, path, deleted, change.hash, author, authored_at, subject, generation
FROM change JOIN branch USING (target, hash) WHERE change.target = ?
"""


class TargetHistory:
    """One target's part of it; implements `reconciler.engine.ports.KeptHistory`."""

    def __init__(self, store: Store, target: str) -> None:
        self._store = store
        self._target = target

    def base(self) -> str | None:
        """The commit up to which it is kept; None when it is not."""
        rows = self._store.rows("SELECT base FROM history WHERE target = ?", (self._target,))
        return next((base for (base,) in rows), None)

    def changes(
        self, names: Collection[str] | None = None, version: str | None = None, commit: str | None = None
    ) -> Iterator[tuple[ModelKey, FileChange]]:
        """What commits did, of these models or of all; each model's changes newest first."""
        given = {
            "name": None if names is None else [*map(to_bytes, names)],
            "version": None if version is None else [to_bytes(version)],
            "hash": None if commit is None else [bytes.fromhex(commit)],
        }
        asked = {column: values for column, values in given.items() if values is not None}
        where = "".join(
            f" AND change.{column} IN ({', '.join('?' * len(values))})" for column, values in asked.items()
        )
        order = " ORDER BY name, version, generation DESC, change.hash, change.rowid"
        for row in self._store.rows(_CHANGES + where + order, (self._target, *chain(*asked.values()))):
            yield ModelKey(to_text(row[0]), to_text(row[1])), _change(row)

    def names(self) -> set[str]:
        """Every model name that a commit did anything to."""
        rows = self._store.rows("SELECT DISTINCT name FROM change WHERE target = ?", (self._target,))
        return {to_text(raw) for (raw,) in rows}

    def commit_infos(self, commits: Collection[str]) -> dict[str, CommitInfo]:
        """Who made these commits, as far as the branch has them and they touched the target's files."""
        rows = self._branch("author, authored_at, subject", commits)
        return {c: _commit_info(c, *row) for c, row in rows.items() if row[0] is not None}

    def generations(self, commits: Collection[str]) -> dict[str, int]:
        """The generations of these commits, as far as the branch has them; see `reconciler.engine.graph`."""
        return {commit: generation for commit, (generation,) in self._branch("generation", commits).items()}

    def number(self) -> int:
        """How many commits the branch has."""
        ((number,),) = self._store.rows("SELECT count(*) FROM branch WHERE target = ?", (self._target,))
        return int(number)

    def some(self, beginning: str, limit: int) -> list[str]:
        """Some of its commits, those whose ids come next after a beginning of one, in order."""
        query = "SELECT hash FROM branch WHERE target = ? AND hash >= ? ORDER BY hash LIMIT ?"
        rows = self._store.rows(query, (self._target, bytes.fromhex(beginning), limit))
        return [raw.hex() for (raw,) in rows]

    def _branch(self, columns: str, commits: Collection[str]) -> Mapping[str, tuple[Any, ...]]:
        query = f"SELECT {columns} FROM branch WHERE target = ? AND hash = ?"  # noqa: S608 - names of this module
        return {
            commit: row
            for commit in commits
            for row in self._store.rows(query, (self._target, bytes.fromhex(commit)))
        }


def save_statements(target: str, commit: str | None, update: HistoryUpdate | None) -> Iterator[Statement]:
    """The statements that move a target's history to a commit; without an update, those that delete it."""
    if update is None or update.is_whole:
        for table in _TABLES:
            yield f"DELETE FROM {table} WHERE target = ?", [(target,)]  # noqa: S608 - names of this module
    if update is None:
        return
    yield "INSERT INTO branch VALUES (?, ?, ?, ?, ?, ?)", (_commit(target, *one) for one in update.commits)
    yield (
        "INSERT INTO change VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                target,
                *map(to_bytes, pair),
                bytes.fromhex(one.commit_info.commit),
                to_bytes(one.path),
                one.deleted,
            )
            for pair, one in update.changes
        ),
    )
    yield "REPLACE INTO history VALUES (?, ?)", [(target, commit)]


def _commit(target: str, commit: str, generation: int, made: CommitInfo | None) -> tuple[Any, ...]:
    info = (None, None, None) if made is None else (made.author, made.authored_at.isoformat(), made.subject)
    return target, bytes.fromhex(commit), generation, *info


def _change(row: tuple[Any, ...]) -> FileChange:
    _, _, path, deleted, raw, author, authored_at, subject, generation = row
    made = _commit_info(raw.hex(), author, authored_at, subject)
    return FileChange(to_text(path), made, bool(deleted), generation)


def _commit_info(commit: str, author: str, authored_at: str, subject: str) -> CommitInfo:
    return CommitInfo(commit, author, read_time(authored_at), subject)
