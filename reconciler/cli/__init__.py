"""The command line: a command is parse → call → render. The only room that writes to standard output."""

from __future__ import annotations


def main() -> None:
    """The `reconciler` program."""
    from reconciler.cli.program import run  # noqa: PLC0415 - importing the package alone stays free

    run()


__all__ = ["main"]
