"""`schema`: JSON Schema of a manifest or of the configuration, for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from reconciler.cli import options
from reconciler.cli.terminal import configuration, put_json
from reconciler.contract import DEFAULT_EDITION
from reconciler.contract import edition as rules


class Kind(StrEnum):
    """What a schema is of."""

    MANIFEST = "manifest"
    CONFIG = "config"


def schema(
    kind: Annotated[
        Kind, typer.Argument(metavar="manifest|config", help="Of a manifest, or of the configuration.")
    ] = Kind.MANIFEST,
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="NAME", help="Rule set of the vendor's documents.")
    ] = None,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.JSON,  # noqa: ARG001 - every command takes it; a schema is JSON in any form
    quiet: options.QuietOption = False,  # noqa: ARG001
    verbose: options.VerboseOption = False,  # noqa: ARG001
) -> None:
    """Prints a JSON Schema: of a manifest by the rules of an edition, or of those of a configured target."""
    if kind is Kind.CONFIG:
        from reconciler.settings.schema import configuration_schema  # noqa: PLC0415 - only where it is wanted

        put_json(configuration_schema())
        return
    if edition is None and target is not None:
        settings = configuration(config)
        (name,) = settings.chosen(target)
        edition = settings.settings.targets[name].edition
    put_json(rules(DEFAULT_EDITION if edition is None else edition).json_schema())
