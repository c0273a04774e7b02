"""Standard output and standard error: results go to the one, everything else to the other."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.redaction import concealed
from reconciler.views.clean import clean

if TYPE_CHECKING:
    from reconciler.settings import Configuration


def configuration(file: Path | None) -> Configuration:
    """The configuration that holds here. Raises ConfigurationError."""
    from reconciler.settings import load  # noqa: PLC0415 - `--help` needs none

    return load(file, cwd=Path.cwd())


class OutputClosedError(Exception):
    """Whoever read standard output, such as `head`, has gone. The command ends as one that SIGPIPE killed."""


def warned(file: Path | None) -> Configuration:
    """The same, with what is doubtful in it told on standard error. Raises ConfigurationError."""
    found = configuration(file)
    for warning in found.warnings:
        tell(f"warning: {warning}")
    return found


def can_draw(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colour(stream: TextIO | None = None) -> bool:
    """Whether a stream, by default standard output, is a terminal that wants colour."""
    return can_draw(stream or sys.stdout) and not os.environ.get("NO_COLOR")


def put(text: str) -> None:
    """One result to standard output, with a final newline. Raises OutputClosedError."""
    try:
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise OutputClosedError from error


def put_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """One JSON value to standard output, readable and with non-ASCII as it is."""
    from reconciler.views.as_json import dumps  # noqa: PLC0415

    put(dumps(value))


def tell(text: str) -> None:
    """A line or more for a person, to standard error; nothing stops because nobody can read them."""
    with contextlib.suppress(OSError):
        sys.stderr.write("".join(f"{clean(line)}\n" for line in concealed(text).splitlines()))
        sys.stderr.flush()
