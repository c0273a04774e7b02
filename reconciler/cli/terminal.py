"""Standard output and standard error: results go to the one, everything else to the other."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.views.clean import clean

if TYPE_CHECKING:
    from reconciler.settings import Configuration


def configuration(file: Path | None) -> Configuration:
    """The configuration that holds here. Raises ConfigurationError."""
    from reconciler.settings import load  # noqa: PLC0415 - `--help` needs none

    return load(file, cwd=Path.cwd())


def warned(file: Path | None) -> Configuration:
    """The same, with what is doubtful in it told on standard error. Raises ConfigurationError."""
    found = configuration(file)
    for warning in found.warnings:
        tell(f"warning: {warning}")
    return found


def colour() -> bool:
    """Whether standard output is a terminal that wants colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def put(text: str) -> None:
    """One result to standard output, with a final newline."""
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
    sys.stdout.flush()


def put_json(value: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """One JSON value to standard output, readable and with non-ASCII as it is."""
    from reconciler.views.as_json import dumps  # noqa: PLC0415

    put(dumps(value))


def tell(text: str) -> None:
    """A line or more for a person, to standard error."""
    sys.stderr.write("".join(f"{clean(line)}\n" for line in text.splitlines()))
    sys.stderr.flush()
