"""`run`: the scheduled loop."""

from __future__ import annotations

import asyncio
import gc
import sys

from reconciler.cli.options import (
    ConfigOption,
    Output,
    OutputOption,
    QuietOption,
    TargetOption,
    VerboseOption,
)
from reconciler.cli.terminal import configuration

_COLLECT = (100_000, 20, 20)


def run(
    config: ConfigOption = None,
    target: TargetOption = None,
    output: OutputOption = Output.TEXT,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Reconciles on schedule and whenever the branch moves, until SIGTERM; SIGHUP asks for a tick now.

    Log lines go to standard error; --output json makes them JSON.
    """
    from reconciler.app.service import run as serve  # noqa: PLC0415 - heavy
    from reconciler.cli.interruption import end_within  # noqa: PLC0415

    settings = configuration(config)
    level = "debug" if verbose else "warning" if quiet else settings.settings.log.level
    start_log(level, as_json=output is Output.JSON or settings.settings.log.format == "json")
    gc.set_threshold(*_COLLECT)
    asyncio.run(serve(settings, target, lambda seconds: end_within(seconds, _left_behind)))


def _left_behind(what: str) -> None:
    import structlog  # noqa: PLC0415

    structlog.get_logger("reconciler").error("the grace is over: ended in the middle of a call", hanging=what)


def start_log(level: str, *, as_json: bool) -> None:
    """One line an event, to standard error: for people, or as JSON."""
    import structlog  # noqa: PLC0415

    from reconciler.views.clean import clean  # noqa: PLC0415

    def cleaned(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {key: clean(value) if isinstance(value, str) else value for key, value in event.items()}

    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            cleaned,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
