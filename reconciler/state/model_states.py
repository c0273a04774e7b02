"""The newest verdict on each model, on a SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import column, func, select, text

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import AT_REST, Verdict, VerdictKey
from reconciler.state import verdicts
from reconciler.state.access import StateAccess
from reconciler.state.bulk import KEY, raw
from reconciler.state.errors import UnreadableState
from reconciler.state.rows import moment_of
from reconciler.state.tables import NOT_IN_SYNC, SEEN, AnyText, plain
from reconciler.state.tables import verdicts as table

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reconciler.state.bulk import Query

_COLUMNS = table.c
_MOVING = [verdict.value for verdict in Verdict if verdict not in AT_REST]
_PAIRS_ONE_BY_ONE = 5000


class SqlModelStates(StateAccess):
    """`reconciler.engine.ports.ModelStates` on a SQL database."""

    def counted(self) -> Mapping[tuple[str, Verdict], int]:
        """How many models have each verdict, by target."""
        with self._database.reading() as connection:
            return verdicts.counted(connection)

    def are_fewer(self, target: str, number: int) -> bool:
        """Whether a target has fewer verdicts than this; no more of them are looked at."""
        some = select(_COLUMNS.target).where(_COLUMNS.target == target).limit(number).subquery()
        with self._database.reading() as connection:
            return (connection.scalar(select(func.count()).select_from(some)) or 0) < number

    def since(self, target: str, pairs: Collection[ModelKey] | None) -> Mapping[VerdictKey, datetime]:
        """Since when the verdicts of one target stand, as the port says; the earliest of several."""
        columns = ("model_name", "model_version", "path", "verdict", "since")
        moments: dict[VerdictKey, datetime] = {}
        with self._database.reading() as connection:
            rows = map(plain, verdicts.standing(connection, target, pairs, columns))
            try:
                for name, version, path, verdict, at in rows:
                    if at is not None:
                        file = path if name is None or version is None else None
                        key, moment = VerdictKey(name, version, file, verdicts.WORDS[verdict]), moment_of(at)
                        moments[key] = min(moment, moments[key]) if key in moments else moment
            except (KeyError, ValueError) as error:
                raise UnreadableState("the last report") from error
        return moments

    def not_at_rest(self, target: str) -> Collection[ModelKey]:
        """The pairs whose last verdict may change although neither git nor the registry does."""
        query = select(_COLUMNS.model_name, _COLUMNS.model_version).where(
            _COLUMNS.target == target, _COLUMNS.verdict.in_(_MOVING), NOT_IN_SYNC
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {ModelKey(name, version) for name, version in rows if name is not None and version is not None}

    def uncompared(self, target: str, limit: int) -> Sequence[ModelKey]:
        """Pairs that were seen registered and not compared yet; so many at most."""
        with self._database.reading() as connection:
            return list(_seen(connection, target, limit))

    def uncompared_ids(self, target: str, pairs: Collection[ModelKey]) -> Mapping[ModelKey, str]:
        """The same of these pairs, with their models' ids: looked up by key, or all when they are many."""
        with self._database.reading() as connection:
            if len(pairs) > _PAIRS_ONE_BY_ONE:
                every = _seen(connection, target)
                return {pair: model_id for pair, model_id in every.items() if pair in pairs}
            query = raw(table, (*KEY[1:], "model_id")).where(SEEN)
            rows = map(plain, verdicts.of_pairs(connection, target, pairs, query))
            return {ModelKey(name, version): model_id for name, version, model_id in rows}


def _seen(connection: Connection, target: str, limit: int | None = None) -> dict[ModelKey, str]:
    """Models that are well as far as is known, and whose content is not known: their ids by pair."""
    # without statistics SQLite would take an index that holds every model
    is_sqlite = connection.dialect.name == "sqlite"
    source = text("standing INDEXED BY standing_seen") if is_sqlite else table
    columns = (column(name, AnyText) for name in ("model_name", "model_version", "model_id"))
    query: Query = select(*columns).select_from(source)
    rows = connection.execute(query.where(column("target", AnyText) == target, SEEN).limit(limit))
    return {ModelKey(row[0], row[1]): row[2] for row in rows}
