"""The log that every room writes to: it tells nothing until a command that keeps one starts it (`cli.log`).

A command whose standard output is a result says what happened in that result, and in its notes. It does not
wait for structlog, which is loaded with the first line.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import structlog


def _drop(_: object, __: str, ___: structlog.typing.EventDict) -> structlog.typing.EventDict:
    import structlog  # noqa: PLC0415 - see above

    raise structlog.DropEvent


def silence() -> None:
    """Tells nothing from now on: the library's own default is to print to standard output."""
    import structlog  # noqa: PLC0415 - see above

    structlog.reset_defaults()
    structlog.configure(processors=[_drop])


@cache
def _logger() -> structlog.typing.FilteringBoundLogger:
    import structlog  # noqa: PLC0415 - see above

    if not structlog.is_configured():
        silence()
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger("reconciler")
    return logger


class _Log:
    """A logger of structlog, made with its first line."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method of the logger
        return getattr(_logger(), name)


log = _Log()
