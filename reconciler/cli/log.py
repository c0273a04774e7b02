"""The log of `run`: one line an event on standard error, for people or as JSON, whichever library speaks."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
from typing import TYPE_CHECKING, TextIO, cast

import structlog

from reconciler.cli.terminal import colour
from reconciler.printable import inert, printable
from reconciler.redaction import concealed

if TYPE_CHECKING:
    from types import TracebackType


def start_log(level: str, *, as_json: bool) -> None:
    """Routes structlog, standard logging, warnings and whatever dies unseen into one stream.

    Of other libraries, only warnings and worse are told, whatever the `level` of this program.
    """
    stream = cast("TextIO", _Stream(sys.stderr))
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _cleaned,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=colour(sys.stderr), pad_event_to=0)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shared, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    _tell_of_deaths()


def _cleaned(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if "exception" in event:
        event["traceback"] = event.pop("exception")  # a name that no renderer gives lines of its own
    return {
        key: inert(printable(concealed(value))) if isinstance(value, str) else value
        for key, value in event.items()
    }


def _tell_of_deaths() -> None:
    """An error that was not caught, in any thread or finalizer, is one line of the log with its traceback."""
    log = logging.getLogger("python")

    def died(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("unexpected %s", kind.__name__, exc_info=(kind, error, trace))

    def died_in_thread(args: threading.ExceptHookArgs) -> None:
        log.error("unexpected end of a thread", exc_info=args.exc_value)

    def ignored(args: sys.UnraisableHookArgs) -> None:
        log.warning("ignored in %r", args.object, exc_info=args.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = died, died_in_thread, ignored


class _Stream(io.TextIOBase):
    """A log that cannot be written, because its disk is full or its reader has gone, never ends the loop."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flushes if that is possible."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()
