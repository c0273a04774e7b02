"""Standard output and standard error: results go to the one, everything else to the other."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.budgets import DEFAULTS
from reconciler.printable import inert, printable
from reconciler.redaction import concealed
from reconciler.views.lines import ADVICE, pieces_within, text_within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.engine.values import Report
    from reconciler.settings import Configuration


class _Output:
    """How many bytes a command prints: what the configuration says, once there is one."""

    most = DEFAULTS.output


def configuration(file: Path | None) -> Configuration:
    """The configuration that holds here. Raises ConfigurationError."""
    from reconciler.settings import load  # noqa: PLC0415 - `--help` needs none

    settings = load(file, cwd=Path.cwd())
    limit_output(settings.settings.limits.output)
    return settings


def limit_output(most: int) -> None:
    """Says how many bytes the command prints at most."""
    _Output.most = most


class OutputClosedError(Exception):
    """The reader of standard output, such as `head`, has gone. The command ends as if SIGPIPE killed it."""


def warned(file: Path | None) -> Configuration:
    """The same, with what is doubtful in it told on standard error. Raises ConfigurationError."""
    settings = configuration(file)
    tell_warnings(settings.warnings)
    return settings


def tell_warnings(warnings: Iterable[str]) -> None:
    """What is doubtful in a configuration, on standard error."""
    for warning in warnings:
        echo_err(f"warning: {warning}")


def can_draw(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colour(stream: TextIO | None = None) -> bool:
    """Whether a stream, by default standard output, is a terminal that wants colour."""
    return can_draw(stream or sys.stdout) and not os.environ.get("NO_COLOR")


def echo(text: str) -> None:
    """A result to standard output, with a final newline, within `limits.output`. Raises OutputClosedError."""
    _write(text_within(inert(text), _Output.most))


def put_commands(text: str) -> None:
    """Commands to the runner of a pipeline, to standard output, as they are. Raises OutputClosedError."""
    _write(text)


def _write(text: str) -> None:
    _write_all([text if text.endswith("\n") or not text else text + "\n"])


def put_all(pieces: Iterable[str]) -> None:
    """Many pieces of a result, each of whole lines, within `limits.output`. Raises OutputClosedError."""
    _write_all(pieces_within(map(inert, pieces), _Output.most))


def _write_all(pieces: Iterable[str]) -> None:
    try:
        sys.stdout.writelines(pieces)
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error
    except OSError as error:
        error.filename = "standard output"
        raise


def put_json_list(objects: Iterable[str]) -> None:
    """What `put_json` prints of a list, one object after the other. Raises OutputClosedError."""
    from reconciler.views.as_json import list_pieces  # noqa: PLC0415 - no text needs it

    def cut() -> None:
        echo_err(f"note: objects are left out at the end: {ADVICE}")

    _write_all(list_pieces(objects, _Output.most, cut))


def put_report(report: Report) -> None:
    """What `put_json` prints of a report's object, some models at a time. Raises OutputClosedError."""
    from reconciler.views.as_json import report_within  # noqa: PLC0415 - no text needs it

    pieces, left_out = report_within(report, _Output.most)
    if left_out is not None:
        echo_err(f"note: {left_out}")
    _write_all(pieces)


def put_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """One JSON value to standard output, readable and with non-ASCII as it is, as far as it may be long."""
    from reconciler.views.as_json import json_within  # noqa: PLC0415 - no text needs it

    text, left_out = json_within(value, _Output.most)
    if left_out is not None:
        echo_err(f"note: {left_out}")
    _write(text)


def echo_err(text: str) -> None:
    """A line or more for a person, to standard error; a write that fails stops nothing."""
    with contextlib.suppress(OSError):
        sys.stderr.write("".join(f"{inert(printable(line))}\n" for line in concealed(text).splitlines()))
        sys.stderr.flush()
