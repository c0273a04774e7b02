"""The log that every room writes to: it tells nothing until a command that keeps one starts it (`cli.log`).

A command whose standard output is a result says what happened in that result, and in its notes.
"""

from __future__ import annotations

import structlog


def _drop(_: object, __: str, ___: structlog.typing.EventDict) -> structlog.typing.EventDict:
    raise structlog.DropEvent


def silence() -> None:
    """Tells nothing from now on: the library's own default is to print to standard output."""
    structlog.reset_defaults()
    structlog.configure(processors=[_drop])


if not structlog.is_configured():
    silence()

log = structlog.get_logger("reconciler")
