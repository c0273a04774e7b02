"""What happens while it happens, on standard error: a bar on a terminal, a line an event elsewhere."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli.terminal import can_draw, echo_err
from reconciler.engine.values import EventKind
from reconciler.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Event

_SAID = {
    EventKind.IMPORT_REQUESTED: "importing",
    EventKind.IMPORTED: "registered",
    EventKind.ADOPTED: "found registered",
    EventKind.REJECTED: "rejected",
    EventKind.POSTPONED: "not made, will be tried again",
    EventKind.UNKNOWN: "outcome unknown, asking the registry",
    EventKind.NOT_FOUND: "was not made",
    EventKind.PUBLISHED: "published",
    EventKind.FAILED: "failed",
    EventKind.DRIFTED: "registered with other content",
    EventKind.MISSING: "gone from the registry",
    EventKind.RELEASED: "released",
    EventKind.DELETED: "failed model deleted",
}
_DONE = {EventKind.PUBLISHED, EventKind.FAILED, EventKind.REJECTED, EventKind.POSTPONED, EventKind.DRIFTED}
_MADE = {EventKind.IMPORTED, EventKind.ADOPTED}


@dataclass(slots=True)
class Progress:
    """Hears every event of a command; remembers which pairs it imported.

    Attributes:
        names_targets: there are several, in which one pair may be imported.
        idle: nothing was journalled: the command found nothing to do.
    """

    quiet: bool
    names_targets: bool = False
    imported: set[tuple[str, ModelKey]] = field(default_factory=set)
    idle: bool = True
    _asked: set[tuple[str, ModelKey]] = field(default_factory=set)
    _done: set[tuple[str, ModelKey]] = field(default_factory=set)
    _bar: Callable[[str, int, int], None] | None = None

    def __call__(self, event: Event) -> None:
        """Takes one event, as it is recorded."""
        self.idle = False
        key = (event.target, event.pair)
        if event.kind is EventKind.IMPORT_REQUESTED:
            self._asked.add(key)
        if event.kind in _MADE and key in self._asked:
            self.imported.add(key)
        if event.kind in _DONE and key in self._asked:
            self._done.add(key)
        if not self.quiet and event.kind in _SAID:
            where = f" ({event.target})" if self.names_targets else ""
            made = f" as {event.model_id}" if event.kind in _MADE else ""
            self._say(f"{event.pair}{where}: {_SAID[event.kind]}{made}")

    def note(self, line: str) -> None:
        """Says what is waited for."""
        if not self.quiet:
            self._say(line)

    def _say(self, line: str) -> None:
        if self._bar is None:
            echo_err(line)
        else:
            self._bar(printable(line), len(self._done), len(self._asked))

    @contextmanager
    def shown(self) -> Iterator[Progress]:
        """Shows a bar while the block runs, when standard error is a terminal that can."""
        if self.quiet or not can_draw(sys.stderr):
            yield self
            return
        from reconciler.cli.bar import moving_line  # noqa: PLC0415 - brings rich

        try:
            with moving_line() as self._bar:
                yield self
        finally:
            self._bar = None
