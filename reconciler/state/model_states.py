"""The newest verdict on each model, on a SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.contract.model_key import ModelKey
from reconciler.state import verdicts
from reconciler.state.access import StateAccess

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.engine.values import Verdict, VerdictKey


class SqlModelStates(StateAccess):
    """`reconciler.engine.ports.ModelStates` on a SQL database."""

    def counted(self) -> Mapping[tuple[str, Verdict], int]:
        """How many models have each verdict, by target."""
        with self._database.reading() as connection:
            return verdicts.counted(connection)

    def are_fewer(self, target: str, number: int) -> bool:
        """Whether a target has fewer verdicts than this."""
        with self._database.reading() as connection:
            return verdicts.are_fewer(connection, target, number)

    def since(self, target: str, pairs: Collection[ModelKey] | None) -> Mapping[VerdictKey, datetime]:
        """Since when the verdicts of one target stand: on these pairs and on what is invalid, or on all."""
        with self._database.reading() as connection:
            return verdicts.since(connection, target, pairs)

    def not_at_rest(self, target: str) -> Collection[ModelKey]:
        """The pairs whose last verdict may change although neither git nor the registry does."""
        with self._database.reading() as connection:
            return {ModelKey(name, version) for name, version in verdicts.not_at_rest(connection, target)}

    def uncompared(self, target: str, limit: int) -> Sequence[ModelKey]:
        """Pairs that were seen registered and not compared yet; so many at most."""
        with self._database.reading() as connection:
            return [pair for pair, _ in verdicts.uncompared_ids(connection, target, limit)]

    def uncompared_ids(self, target: str, pairs: Collection[ModelKey]) -> Mapping[ModelKey, str]:
        """Of these pairs, those that were seen registered and not compared yet, with their models' ids."""
        with self._database.reading() as connection:
            return verdicts.seen_of(connection, target, pairs)
