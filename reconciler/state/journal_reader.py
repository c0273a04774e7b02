"""The journal, to read: through whatever asks the database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.state import archive
from reconciler.state.by_name import JournalByName
from reconciler.state.rows import event_of
from reconciler.state.texts import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Event
    from reconciler.state.archive import Ask


class JournalReader(ABC):
    """What is journalled, archived or not, in its order. Every method raises StateError."""

    @abstractmethod
    def _asking(self) -> AbstractContextManager[Ask]:
        """What asks a database that stays as it is meanwhile."""

    def journalled_targets(self) -> Sequence[str]:
        """Every target of which anything is journalled, by name."""
        with self._asking() as ask, closing(ask("SELECT DISTINCT target FROM ledger", {})) as names:
            return sorted(plain(name)[0] for name in names)

    def events(
        self,
        target: str | None = None,
        pair: ModelKey | None = None,
        *,
        name: str | None = None,
        commit: str | None = None,
    ) -> Sequence[Event]:
        """The journal, or what it tells of one pair, name or commit."""
        name, version = pair or (name, None)
        with self._journal(target=target, model_name=name, model_version=version, commit=commit) as rows:
            return [event_of(row) for row in rows]

    def events_after(self, position: int, limit: int) -> Sequence[tuple[int, Event]]:
        """The events behind this one, each with its number; so many at most."""
        with self._journal(after=position) as rows:
            return [(row[0], event_of(row)) for row in islice(rows, limit)]

    def pairs_of(self, target: str, model_id: str) -> Collection[ModelKey]:
        """The pairs whose model ever had this id."""
        with self._journal(target=target, model_id=model_id) as rows:
            return {event_of(row).pair for row in rows}

    @contextmanager
    def journal_by_name(self, target: str) -> Iterator[JournalByName]:
        """The journal of one target, to be asked for some names at a time."""
        with self._asking() as ask, closing(JournalByName(ask, target)) as journal:
            yield journal

    @contextmanager
    def _journal(self, *, after: int = 0, **asked: str | None) -> Iterator[Iterator[archive.Row]]:
        """The rows of the journal behind a number and with these values, by column."""
        with self._asking() as ask, closing(archive.rows(ask, after=after, **asked)) as rows:
            yield rows
