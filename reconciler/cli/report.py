"""What a command shows of a cycle: what happens while it runs, the report at its end, and the exit code."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import typer

from reconciler.cli.asked import model_asked
from reconciler.cli.options import PlanOutput
from reconciler.cli.terminal import can_draw, colour, echo, echo_err, put_report
from reconciler.engine.values import EventKind
from reconciler.errors import ReconcilerError
from reconciler.printable import printable
from reconciler.views import markdown, text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reconciler.cli.interruption import Interruption
    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.values import Event, Report
    from reconciler.views.text import Mode

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
    """Takes every event of a command; remembers which pairs it imported.

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


def about(report: Report, model: str | None) -> Report:
    """The report on `NAME` or `NAME@VERSION` alone; None takes all.

    Raises:
        ConfigurationError: that is no name.
        ReconcilerError: no model of the report has that name, and no target failed that may have one.
    """
    if model is None:
        return report
    name, version = model_asked(model)
    items = tuple(
        item for item in report.items if item.model_name == name and version in (None, item.model_version)
    )
    if not items and not report.failures:
        raise ReconcilerError(f"{model}: no such model is declared, registered or remembered")
    return replace(report, items=items, unlisted={})


def show(
    report: Report,
    output: PlanOutput,
    *,
    quiet: bool,
    verbose: bool,
    mode: Mode,
    imported: Collection[tuple[str, ModelKey]] = (),
    unmanaged: bool | None = None,
) -> None:
    """Prints a report; targets that failed are told on standard error whatever the form.

    Arguments are those of `reconciler.views.text.report`; `quiet` leaves out notes.
    """
    for failure in report.failures:
        echo_err(f"error: {failure.message}")
    shown = replace(report, notes=()) if quiet else report
    if output is PlanOutput.JSON:
        for note in shown.notes:
            echo_err(f"note: {note}")
        put_report(report)
    elif output is PlanOutput.MARKDOWN:
        echo(markdown.report(shown))
    elif shown.items or not shown.failures:
        how = partial(text.report, shown, colour=colour(), verbose=verbose, mode=mode)
        echo(how(imported=imported, unmanaged=unmanaged))


def leave(report: Report, *, pending: bool = False, interruption: Interruption | None = None) -> None:
    """Ends the command with the report's exit code, or with that of the signal that cut it short."""
    if interruption is not None and interruption.by is not None:
        echo_err(
            f"stopped by {interruption.by.name}: what was in flight is recorded, the next `apply` goes on"
        )
        raise typer.Exit(interruption.exit_code)
    raise typer.Exit(int(report.exit_code(pending=pending)))
