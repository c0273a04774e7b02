"""`version`: which version of the program this is."""

from __future__ import annotations

import platform

from reconciler import __version__
from reconciler.cli import options
from reconciler.cli.terminal import echo, put_json
from reconciler.state import SCHEMA_VERSION


def version(
    config: options.ConfigOption = None,  # noqa: ARG001 - every command takes the common options
    target: options.TargetOption = None,  # noqa: ARG001
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,  # noqa: ARG001
    verbose: options.VerboseOption = False,  # noqa: ARG001
) -> None:
    """Shows the version, as `-V` and `--version` do; with --output json also Python's and the state's."""
    if output is options.Output.JSON:
        python = platform.python_version()
        put_json({"version": __version__, "python": python, "state_schema": SCHEMA_VERSION})
        return
    echo(f"reconciler {__version__}")
