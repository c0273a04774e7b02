"""The newest verdict on each model, as rows of which only those are written that differ; and back."""

from __future__ import annotations

import json
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select

from reconciler.contract.model_key import ModelKey
from reconciler.engine.plan import sort_key
from reconciler.engine.reasons import COMPARED_LATER
from reconciler.engine.values import AT_REST, Difference, ModelState, Verdict, VerdictKey
from reconciler.manifest.values import Reason, reason_of, row_of
from reconciler.state.bulk import insert_rows, select_rows
from reconciler.state.errors import UnreadableState
from reconciler.state.rows import moment_of, stamp
from reconciler.state.tables import NOT_IN_SYNC, SEEN, plain, stored, verdicts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection


_TOLD = ("reasons", "diff", "since", "next_attempt_at")  # the other facts of a state are columns of their own
_FACTS = tuple(name for name in ModelState._fields if name not in _TOLD)
_COLUMNS = (*_FACTS, "told", "since")
_VERDICT = _FACTS.index("verdict")
_facts = attrgetter(*_FACTS)
_COMPARED_LATER, _LATER = "", (COMPARED_LATER,)
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_IDS_A_QUERY = 400
_PAIRS_ONE_BY_ONE = 5000

Row = tuple[Any, ...]
"""The columns of `_COLUMNS`."""


def replace(
    connection: Connection, wanted: Mapping[str, tuple[Collection[ModelKey] | None, list[ModelState]]]
) -> tuple[list[int], list[Row]]:
    """What has to be written so that these items stand: ids of rows to remove, and rows to add.

    Args:
        connection: to read what stands now.
        wanted: by target, the pairs that are spoken of (None for all), and the items there are now.
    """
    gone: list[int] = []
    new: list[Row] = []
    for target, (pairs, items) in wanted.items():
        known: dict[Row, list[int]] = {}
        for row_id, *values in _standing(connection, target, pairs, ("id", *_COLUMNS)):
            known.setdefault(tuple(values), []).append(row_id)
        for row in map(_row, items):
            same = known.get(row) if known else None
            if same:
                same.pop()
            else:
                new.append(row)
        gone.extend(row_id for ids in known.values() for row_id in ids)
    return gone, new


def write(connection: Connection, gone: list[int], new: list[Row]) -> None:
    """Carries out what `replace` said."""
    for start in range(0, len(gone), _IDS_A_QUERY):
        chunk = gone[start : start + _IDS_A_QUERY]
        connection.execute(delete(verdicts).where(verdicts.c.id.in_(chunk)))
    insert_rows(connection, verdicts, _COLUMNS, new)


def items(connection: Connection, *, whole: bool) -> tuple[ModelState, ...]:
    """Every item that stands, in order; without the whole, those in sync are left out."""
    where = "" if whole else f"WHERE {NOT_IN_SYNC.text}"
    return tuple(sorted(map(_item, select_rows(connection, verdicts, _COLUMNS, where)), key=sort_key))


def selected(connection: Connection, where: str, values: tuple[Any, ...]) -> list[tuple[int, ModelState]]:
    """The items of the rows that this says, with the rows' ids; `where` says `?` for each of the values."""
    rows = select_rows(connection, verdicts, ("id", *_COLUMNS), where, values)
    return [(row_id, _item(tuple(row))) for row_id, *row in rows]


def counted(connection: Connection) -> dict[tuple[str, Verdict], int]:
    """How many items there are, by target and verdict."""
    columns = verdicts.c
    others = select(columns.target, columns.verdict, func.count()).where(NOT_IN_SYNC)
    found = {
        (target, Verdict(verdict)): number
        for target, verdict, number in connection.execute(others.group_by(columns.target, columns.verdict))
    }
    all_there_are = select(columns.target, func.count()).group_by(columns.target)
    for target, number in connection.execute(all_there_are).all():
        in_sync = number - sum(known for (of, _), known in found.items() if of == target)
        found |= {(target, Verdict.IN_SYNC): in_sync} if in_sync else {}
    return found


def are_fewer(connection: Connection, target: str, number: int) -> bool:
    """Whether a target has fewer items than this; no more of them are looked at."""
    some = select(verdicts.c.target).where(verdicts.c.target == target).limit(number).subquery()
    return (connection.scalar(select(func.count()).select_from(some)) or 0) < number


def not_at_rest(connection: Connection, target: str) -> Iterator[tuple[str, str]]:
    """Name and version of what does not rest, as far as they are known."""
    columns = verdicts.c
    moving = [verdict.value for verdict in Verdict if verdict not in AT_REST]
    query = select(columns.model_name, columns.model_version).where(
        columns.target == target, columns.verdict.in_(moving), NOT_IN_SYNC
    )
    for name, version in connection.execute(query):
        if name is not None and version is not None:
            yield name, version


def uncompared_ids(connection: Connection, target: str, limit: int | None = None) -> dict[ModelKey, str]:
    """Models that are well as far as is known, and whose content is not known: their ids by pair."""
    # without statistics SQLite would take an index that holds every model
    hint = "INDEXED BY standing_seen " if connection.dialect.name == "sqlite" else ""
    where = f"{hint}WHERE target = ? AND {SEEN.text}"
    if limit is not None:
        where += f" LIMIT {limit:d}"
    columns = ("model_name", "model_version", "model_id")
    rows = map(plain, select_rows(connection, verdicts, columns, where, stored((target,))))
    return {ModelKey(name, version): model_id for name, version, model_id in rows}


def seen_of(connection: Connection, target: str, pairs: Collection[ModelKey]) -> dict[ModelKey, str]:
    """The same of these pairs: asked one by one, or all when they are many."""
    if len(pairs) > _PAIRS_ONE_BY_ONE:
        return {
            pair: model_id for pair, model_id in uncompared_ids(connection, target).items() if pair in pairs
        }
    where = f"WHERE target = ? AND model_name = ? AND model_version = ? AND {SEEN.text}"
    found = {}
    for pair in pairs:
        for (model_id,) in select_rows(connection, verdicts, ("model_id",), where, stored((target, *pair))):
            found[pair] = model_id
    return found


def versions(connection: Connection, target: str, names: Collection[str]) -> list[tuple[str, str]]:
    """Name and version of whatever was seen registered under these names."""
    columns = verdicts.c
    query = select(columns.model_name, columns.model_version).where(
        columns.target == target,
        columns.model_name.in_(names),
        columns.model_version.is_not(None),
        columns.model_id.is_not(None),
    )
    return [(name, version) for name, version in connection.execute(query)]


def since(
    connection: Connection, target: str, pairs: Collection[ModelKey] | None
) -> dict[VerdictKey, datetime]:
    """Since when the verdicts on these pairs, and on what is invalid, stand; the earliest of several."""
    columns = ("model_name", "model_version", "path", "verdict", "since")
    found: dict[VerdictKey, datetime] = {}
    try:
        for name, version, path, verdict, told in map(plain, _standing(connection, target, pairs, columns)):
            if told is not None:
                file = path if name is None or version is None else None
                key, moment = VerdictKey(name, version, file, _VERDICTS[verdict]), moment_of(told)
                found[key] = min(moment, found[key]) if key in found else moment
    except (KeyError, ValueError) as error:
        raise UnreadableState("the last report") from error
    return found


def _standing(
    connection: Connection, target: str, pairs: Collection[ModelKey] | None, columns: tuple[str, ...]
) -> Iterator[Row]:
    """These columns of the rows that speak of these pairs, and of what is invalid or refused as a whole."""
    invalid, refused = Verdict.INVALID.value, Verdict.REFUSED.value
    mine = stored((target,))
    if pairs is None:
        yield from select_rows(connection, verdicts, columns, "WHERE target = ?", mine)
        return
    where = f"WHERE target = ? AND verdict = ? AND {NOT_IN_SYNC.text}"
    yield from select_rows(connection, verdicts, columns, where, (*mine, invalid))
    yield from select_rows(connection, verdicts, columns, f"{where} AND model_name IS NULL", (*mine, refused))
    where = "WHERE target = ? AND model_name = ? AND model_version = ? AND verdict <> ?"
    for pair in pairs:
        yield from select_rows(connection, verdicts, columns, where, (*stored((target, *pair)), invalid))


def _row(item: ModelState) -> Row:
    facts = list(_facts(item))
    facts[_VERDICT] = item.verdict.value
    return stored((*facts, _told(item), None if item.since is None else stamp(item.since)))


def _told(item: ModelState) -> str | None:
    """The column `told`: nothing, or a word, for what may be so of very many models at once."""
    if item.diff or item.next_attempt_at is not None:
        next_attempt = None if item.next_attempt_at is None else stamp(item.next_attempt_at)
        diff = [[one.field, one.declared, one.registered] for one in item.diff]
        return _as_json(item.reasons, diff, next_attempt)
    if item.reasons not in ((), _LATER):
        return _reasons_alone(item.reasons)
    return _COMPARED_LATER if item.reasons else None


@lru_cache(maxsize=256)
def _reasons_alone(reasons: tuple[Reason, ...]) -> str:
    return _as_json(reasons, [], None)


def _as_json(reasons: tuple[Reason, ...], diff: list[list[Any]], next_attempt: str | None) -> str:
    told = {"reasons": list(map(row_of, reasons)), "diff": diff, "next": next_attempt}
    return json.dumps(told, separators=(",", ":"))


def _item(row: Row) -> ModelState:
    *values, told, since = plain(row)
    facts = dict(zip(_FACTS, values, strict=True))
    try:
        facts["verdict"] = _VERDICTS[facts["verdict"]]
        reasons, diff, next_attempt = _said(told)
        moment = None if since is None else moment_of(since)
        return ModelState(**facts, reasons=reasons, diff=diff, since=moment, next_attempt_at=next_attempt)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableState("the last report") from error


def _said(told: str | None) -> tuple[tuple[Reason, ...], tuple[Difference, ...], datetime | None]:
    """The reasons, the differences and the next attempt that `_told` made this of."""
    if told is None:
        return (), (), None
    if told == _COMPARED_LATER:
        return _LATER, (), None
    said = json.loads(told)
    reasons = tuple(map(reason_of, said["reasons"]))
    diff = tuple(Difference(*one) for one in said["diff"])
    return reasons, diff, None if said["next"] is None else moment_of(said["next"])
