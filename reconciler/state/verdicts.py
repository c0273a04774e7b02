"""The newest verdict on each model, read from its row; `verdict_changes` writes them."""

from __future__ import annotations

import json
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, select, text

from reconciler.contract.model_key import ModelKey
from reconciler.engine.reasons import COMPARED_LATER
from reconciler.engine.values import AT_REST, Difference, ModelState, Verdict, VerdictKey
from reconciler.manifest.values import Reason, reason_of, row_of
from reconciler.state.bulk import (
    KEY,
    batches,
    by_column,
    given,
    is_file,
    raw,
    select_rows,
    stream_rows,
)
from reconciler.state.errors import UnreadableState
from reconciler.state.rows import moment_of, stamp
from reconciler.state.tables import NOT_IN_SYNC, SEEN, AnyText, verdicts
from reconciler.state.texts import all_plain, stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.bulk import Query


_TOLD = ("reasons", "diff", "since", "next_attempt_at")  # the other facts of a state are columns of their own
_FACTS = tuple(name for name in ModelState._fields if name not in _TOLD)
COLUMNS = (*_FACTS, "told", "since")
_facts = attrgetter(*_FACTS)
ROWS = raw(verdicts, ("id", *COLUMNS))
"""Every row, for `selected`."""
_COMPARED_LATER = ""
_VERDICTS = {verdict.value: verdict for verdict in Verdict}
_PAIRS_ONE_BY_ONE = 5000

_OF_PAIR = tuple(verdicts.c[name] == bindparam(name) for name in KEY)
_OF_PAIRS = tuple(verdicts.c[name] == given(verdicts).c[name] for name in KEY)

Row = tuple[Any, ...]
"""The columns of `COLUMNS`."""


def items(connection: Connection, *, whole: bool) -> tuple[ModelState, ...]:
    """Every item that stands, in order; without the whole, those in sync are left out."""
    query = ROWS if whole else ROWS.where(NOT_IN_SYNC)
    return tuple(sorted((item for _, item in selected(connection, query)), key=ModelState.sort_key))


def selected(connection: Connection, query: Query) -> list[tuple[int, ModelState]]:
    """The items of these of the `ROWS`, with the rows' ids."""
    return [(row[0], _item(row[1:])) for row in plain_rows(stream_rows(connection, query))]


def counted(connection: Connection) -> dict[tuple[str, Verdict], int]:
    """How many items there are, by target and verdict."""
    columns = verdicts.c
    others = select(columns.target, columns.verdict, func.count()).where(NOT_IN_SYNC)
    numbers = {
        (target, Verdict(verdict)): number
        for target, verdict, number in connection.execute(others.group_by(columns.target, columns.verdict))
    }
    all_there_are = select(columns.target, func.count()).group_by(columns.target)
    for target, number in connection.execute(all_there_are).all():
        in_sync = number - sum(one for (of, _), one in numbers.items() if of == target)
        numbers |= {(target, Verdict.IN_SYNC): in_sync} if in_sync else {}
    return numbers


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


def uncompared_ids(
    connection: Connection, target: str, limit: int | None = None
) -> Iterator[tuple[ModelKey, str]]:
    """Models that are well as far as is known, and whose content is not known: pairs and ids."""
    # without statistics SQLite would take an index that holds every model
    is_sqlite = connection.dialect.name == "sqlite"
    source = text("standing INDEXED BY standing_seen") if is_sqlite else verdicts
    query: Query = select(*map(column, (*KEY[1:], "model_id"))).select_from(source)
    mine = query.where(column("target", AnyText) == target, SEEN).limit(limit)
    return _ids(stream_rows(connection, mine))


def seen_of(connection: Connection, target: str, pairs: Collection[ModelKey]) -> dict[ModelKey, str]:
    """The same of these pairs: looked up by key, or all when they are many."""
    if len(pairs) > _PAIRS_ONE_BY_ONE:
        return {pair: model_id for pair, model_id in uncompared_ids(connection, target) if pair in pairs}
    query = raw(verdicts, (*KEY[1:], "model_id")).where(SEEN)
    return dict(_ids(_of_pairs(connection, target, pairs, query)))


def _ids(rows: Iterable[Row]) -> Iterator[tuple[ModelKey, str]]:
    return ((ModelKey(name, version), model_id) for name, version, model_id in plain_rows(rows))


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
    columns = ("model_name", "model_version", "path", "verdict", "commit", "since")
    moments: dict[VerdictKey, datetime] = {}
    try:
        for name, version, path, verdict, commit, at in plain_rows(
            rows_of(connection, target, pairs, columns)
        ):
            if at is not None:
                key = VerdictKey.of(name, version, path, _VERDICTS[verdict], commit)
                moment = moment_of(at)
                if moment < moments.setdefault(key, moment):
                    moments[key] = moment
    except (KeyError, ValueError) as error:
        raise UnreadableState("the last report") from error
    return moments


def rows_of(
    connection: Connection, target: str, pairs: Collection[ModelKey] | None, columns: tuple[str, ...]
) -> Iterator[Row]:
    """These columns of the rows that speak of these pairs, and of what is invalid or refused as a whole."""
    query, ours = raw(verdicts, columns), verdicts.c
    mine = query.where(ours.target == target)
    if pairs is None:
        yield from stream_rows(connection, mine)
        return
    invalid, refused = (ours.verdict == verdict.value for verdict in (Verdict.INVALID, Verdict.REFUSED))
    yield from select_rows(connection, mine.where(invalid, NOT_IN_SYNC))
    yield from select_rows(connection, mine.where(refused, NOT_IN_SYNC, ours.model_name.is_(None)))
    yield from _of_pairs(connection, target, pairs, query.where(~invalid))


def _of_pairs(
    connection: Connection, target: str, pairs: Collection[ModelKey], query: Query
) -> Iterator[Row]:
    """The rows of a query that speak of these pairs: of a file asked one by one."""
    keys = ((target, *pair) for pair in pairs)
    if is_file(connection):
        of_pair = query.where(*_OF_PAIR)
        for key in keys:
            yield from select_rows(connection, of_pair, dict(zip(KEY, key, strict=True)))
        return
    of_pairs = query.where(*_OF_PAIRS)
    for some in batches(map(stored, keys)):
        yield from select_rows(connection, of_pairs, by_column(KEY, some))


def plain_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows with their texts as they were before they were stored."""
    return (tuple(row) for some in batches(rows) for row in all_plain(some))


def values_of(item: ModelState) -> Row:
    """What the database holds of an item, before it is stored."""
    target, verdict, *facts = _facts(item)
    since = None if item.since is None else stamp(item.since)
    return (target, verdict.value, *facts, _details(item), since)


def _details(item: ModelState) -> str | None:
    """The column `told`: nothing, or a word, for what may be so of very many models at once."""
    if item.diff or item.next_attempt_at is not None:
        next_attempt = None if item.next_attempt_at is None else stamp(item.next_attempt_at)
        diff = [[one.field, one.declared, one.registered] for one in item.diff]
        return _as_json(item.reasons, diff, next_attempt)
    if item.reasons not in ((), COMPARED_LATER):
        return _reasons_alone(item.reasons)
    return _COMPARED_LATER if item.reasons else None


@lru_cache(maxsize=256)
def _reasons_alone(reasons: tuple[Reason, ...]) -> str:
    return _as_json(reasons, [], None)


def _as_json(reasons: tuple[Reason, ...], diff: list[list[Any]], next_attempt: str | None) -> str:
    document = {"reasons": list(map(row_of, reasons)), "diff": diff, "next": next_attempt}
    return json.dumps(document, separators=(",", ":"))


def _item(row: Row) -> ModelState:
    *values, text, since = row
    facts = dict(zip(_FACTS, values, strict=True))
    try:
        facts["verdict"] = _VERDICTS[facts["verdict"]]
        reasons, diff, next_attempt = _said(text)
        moment = None if since is None else moment_of(since)
        return ModelState(**facts, reasons=reasons, diff=diff, since=moment, next_attempt_at=next_attempt)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableState("the last report") from error


def _said(text: str | None) -> tuple[tuple[Reason, ...], tuple[Difference, ...], datetime | None]:
    """The reasons, the differences and the next attempt that `_told` made this of."""
    if text is None:
        return (), (), None
    if text == _COMPARED_LATER:
        return COMPARED_LATER, (), None
    said = json.loads(text)
    reasons = tuple(map(reason_of, said["reasons"]))
    diff = tuple(Difference(*one) for one in said["diff"])
    return reasons, diff, None if said["next"] is None else moment_of(said["next"])
