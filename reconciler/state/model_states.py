"""The newest verdict on each model, on a SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import column, func, select, text

from reconciler.contract.model_key import ModelKey
from reconciler.engine.values import AT_REST, Verdict, VerdictKey
from reconciler.state import verdicts
from reconciler.state.database import StateAccess
from reconciler.state.errors import UnreadableState
from reconciler.state.raw_rows import KEY, Query, Row, raw_query, stream_rows
from reconciler.state.rows import moment_of
from reconciler.state.tables import NOT_IN_SYNC, UNCOMPARED, AnyText
from reconciler.state.tables import verdicts as table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.engine import Connection


_PAIRS_ONE_BY_ONE = 5000
_COLUMNS = table.c


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
        """Since when the verdicts of one target stand: on these pairs and on what is invalid, or on all.

        Of several that are alike, the earliest counts.
        """
        columns = ("model_name", "model_version", "path", "verdict", "commit", "since")
        moments: dict[VerdictKey, datetime] = {}
        with self._database.reading() as connection:
            rows = verdicts.plain_rows(verdicts.rows_of(connection, target, pairs, columns))
            try:
                for name, version, path, verdict, commit, at in rows:
                    if at is not None:
                        key = VerdictKey.of(name, version, path, verdicts.VERDICTS[verdict], commit)
                        moment = moment_of(at)
                        moments[key] = min(moment, moments.get(key, moment))
            except (KeyError, ValueError) as error:
                raise UnreadableState("the last report") from error
        return moments

    def not_at_rest(self, target: str) -> Collection[ModelKey]:
        """The pairs whose last verdict may change although neither git nor the registry does."""
        moving = [verdict.value for verdict in Verdict if verdict not in AT_REST]
        query = select(_COLUMNS.model_name, _COLUMNS.model_version).where(
            _COLUMNS.target == target, _COLUMNS.verdict.in_(moving), NOT_IN_SYNC
        )
        with self._database.reading() as connection:
            return {ModelKey(*row) for row in connection.execute(query) if None not in row}

    def uncompared(self, target: str, limit: int) -> Sequence[ModelKey]:
        """Pairs that were seen registered and not compared yet; so many at most."""
        with self._database.reading() as connection:
            return [pair for pair, _ in _uncompared(connection, target, limit)]

    def uncompared_ids(self, target: str, pairs: Collection[ModelKey]) -> Mapping[ModelKey, str]:
        """Of these pairs, those that were seen registered and not compared yet, with their models' ids."""
        with self._database.reading() as connection:
            if len(pairs) > _PAIRS_ONE_BY_ONE:
                return {pair: model_id for pair, model_id in _uncompared(connection, target) if pair in pairs}
            query = raw_query(table, (*KEY[1:], "model_id")).where(UNCOMPARED)
            return dict(_ids(verdicts.of_pairs(connection, target, pairs, query)))


def _uncompared(
    connection: Connection, target: str, limit: int | None = None
) -> Iterator[tuple[ModelKey, str]]:
    """Models that are well as far as is known, and whose content is not known: pairs and ids."""
    # without statistics SQLite would take an index that holds every model
    is_sqlite = connection.dialect.name == "sqlite"
    source = text("verdicts INDEXED BY verdicts_uncompared") if is_sqlite else table
    query: Query = select(*map(column, (*KEY[1:], "model_id"))).select_from(source)
    mine = query.where(column("target", AnyText) == target, UNCOMPARED).limit(limit)
    return _ids(stream_rows(connection, mine))


def _ids(rows: Iterable[Row]) -> Iterator[tuple[ModelKey, str]]:
    return ((ModelKey(name, version), model_id) for name, version, model_id in verdicts.plain_rows(rows))
