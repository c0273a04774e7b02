"""`schema`: JSON Schema of a manifest or of the configuration, for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli.options import Output, OutputOption, QuietOption, TargetOption, VerboseOption
from reconciler.cli.terminal import configuration, put_json


def schema(
    config: Annotated[
        bool, typer.Option("--config", help="Of the configuration file instead of a manifest.")
    ] = False,
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="NAME", help="Rule set of the vendor's documents.")
    ] = None,
    target: TargetOption = None,
    output: OutputOption = Output.JSON,  # noqa: ARG001 - every command takes it; a schema is JSON in any form
    quiet: QuietOption = False,  # noqa: ARG001
    verbose: VerboseOption = False,  # noqa: ARG001
) -> None:
    """Prints a JSON Schema: of a manifest by the rules of an edition, or of those of a configured target."""
    if config:
        from reconciler.settings import Settings  # noqa: PLC0415 - each only where it is wanted

        put_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()})
        return
    from reconciler.contract import DEFAULT_EDITION  # noqa: PLC0415
    from reconciler.contract import edition as rules  # noqa: PLC0415

    put_json(rules(edition or (_edition_of(target) if target else DEFAULT_EDITION)).json_schema())


def _edition_of(target: str) -> str:
    settings = configuration(None)
    (name,) = settings.chosen(target)
    return settings.settings.targets[name].edition
