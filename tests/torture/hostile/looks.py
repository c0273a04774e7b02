"""Everything the program can print about a report, looked at for what acts, hides or breaks."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.terminal import echo_err
from reconciler.printable import is_hidden
from reconciler.views import as_json, history, markdown, problems, text
from reconciler.views.metrics import Metrics
from tests.views.samples import overview_of, printed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

    from reconciler.engine.values import Event, Report
    from reconciler.manifest import Reason

SECRET = "s3cr3t-0f-nobody"  # noqa: S105 - planted, so that it can be looked for
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_LONGEST = 20_000_000


class Breach(AssertionError):  # noqa: N818 - reads as what happened
    """A promise that did not hold."""


def require(condition: object, promise: str) -> None:
    """Raises Breach unless the condition holds."""
    if not condition:
        raise Breach(promise)


def harmless(output: str, where: str) -> None:
    """An output can be printed anywhere: nothing in it acts or hides, and no secret is in it."""
    output.encode()
    require(len(output) < _LONGEST, f"{where}: {len(output)} characters")
    hidden = {character for character in set(output) - {"\n"} if is_hidden(character)}
    require(not hidden, f"{where}: holds {sorted(map(ascii, hidden))}")
    require(SECRET not in output, f"{where}: tells a secret")


def examine(report: Report, dice: Random) -> None:
    """Every form of a report."""
    harmless(text.report(report, colour=False, verbose=True), "text")
    document = printed(report)
    harmless(document, "JSON")
    json.loads(document)
    examine_reasons(reason for item in report.items for reason in item.reasons)
    if dice.random() < 0.2:
        harmless(markdown.report(report), "Markdown")
        harmless(overview_of(report, NOON), "HTML")
        metrics = Metrics("0")
        metrics.observe_report(report)
        harmless(metrics.render().decode(), "metrics")


def examine_reasons(reasons: Iterable[Reason]) -> None:
    """The list of problems that `validate` prints."""
    entries = tuple(reasons)
    harmless(problems.render(entries, colour=False), "problems")
    harmless(
        as_json.dumps([problems.as_json(reason, severity=True) for reason in entries]), "problems in JSON"
    )


def examine_events(events: Iterable[Event]) -> None:
    """The journal, as `history` tells it."""
    rows = history.rows([], events)
    harmless("".join(history.text(rows)), "history")
    harmless("".join(as_json.list_pieces(history.json_texts(rows))), "history in JSON")


def examine_error(error: Exception) -> None:
    """What a person reads when a command ends with this error."""
    output = io.StringIO()
    with contextlib.redirect_stderr(output):
        echo_err(f"error: {error}")
    harmless(output.getvalue(), "error")
    require(str(error).strip(), "error: says nothing")
    require(len(str(error)) < 100_000, f"error: {len(str(error))} characters")
