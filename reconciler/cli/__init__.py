"""The command line: a command is parse → call → render. The only room that writes to standard output."""

from __future__ import annotations

import sys

CANDIDATES = "__candidates"
"""The first argument with which a shell asks what to offer after Tab."""


def main() -> None:
    """The `reconciler` program."""
    if sys.argv[1:2] == [CANDIDATES]:
        from reconciler.cli.candidates import offer  # noqa: PLC0415 - at each Tab: without typer

        offer(sys.argv[2:])
        return
    from reconciler.cli.program import run  # noqa: PLC0415 - importing the package alone stays free

    run()


__all__ = ["CANDIDATES", "main"]
