"""How long a registry's list takes to show a new model, found out by watching imports that others make.

Nothing is imported for it: in a real registry a trial would stay there. The journal tells of each import that
`run` or `apply` makes meanwhile; from then on the list is asked for that pair until it shows it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.engine.values import EventKind
from reconciler.errors import RegistryError
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.ports import Registry
    from reconciler.engine.values import Event

_POLL = 0.2  # seconds between two looks


@dataclass(slots=True)
class Measured:
    """What was seen.

    Attributes:
        delays: seconds from each import's answer until the list showed it, by pair.
        unseen: pairs that were imported, and not listed by the end.
    """

    delays: dict[ModelKey, float] = field(default_factory=dict)
    unseen: dict[ModelKey, float] = field(default_factory=dict)

    @property
    def longest(self) -> float | None:
        """The longest delay, or time that a model has not been listed yet; None without an import."""
        return max((*self.delays.values(), *self.unseen.values()), default=None)


async def measure(
    registry: Registry,
    url: str,
    target: str,
    seconds: float,
) -> Measured:
    """Watches the journal and the list; ends when an import was seen through, or when the time is over.

    Raises:
        StateError, RegistryError: they cannot be read.
    """
    measured, before = Measured(), len(_events(url, target))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and not (measured.delays and not measured.unseen):
        imports = [event for event in _events(url, target)[before:] if event.kind is EventKind.IMPORTED]
        for event in imports:
            if event.pair not in measured.delays:
                await _look(registry, event.pair, event.at, measured)
        await asyncio.sleep(_POLL)
    return measured


async def _look(registry: Registry, pair: ModelKey, answered: datetime, measured: Measured) -> None:
    try:
        listed = await registry.find(pair)
    except RegistryError:
        listed = ()
    waited = max((datetime.now(UTC) - answered).total_seconds(), 0.0)
    if listed:
        measured.unseen.pop(pair, None)
        measured.delays[pair] = waited
    else:
        measured.unseen[pair] = waited


def _events(url: str, target: str) -> Sequence[Event]:
    with closing(open_state(url, writer=False)) as ledger:
        return ledger.events(target)
