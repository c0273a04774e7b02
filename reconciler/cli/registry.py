"""`registry serve`: the embedded registry on a port, for teams, demos and tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli.terminal import tell

app = typer.Typer(help="The embedded registry.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The embedded registry."""


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8322,
    db: Annotated[
        Path | None, typer.Option("--db", metavar="FILE", help="SQLite file; without it all is in memory.")
    ] = None,
    publish_seconds: Annotated[
        float, typer.Option("--publish-seconds", min=0, help="How long an import takes to be published.")
    ] = 1.0,
    edition: Annotated[
        str, typer.Option("--edition", help="Rule set of the vendor's documents.")
    ] = "seed-2019",
    fail: Annotated[
        str | None,
        typer.Option("--fail", metavar="PATTERN", help="Imports of names matching PATTERN end as failed."),
    ] = None,
) -> None:
    """Serves the registry over HTTP until it is stopped.

    The API's description is at /openapi.json and /docs.
    """
    from reconciler.embedded import EmbeddedSettings  # noqa: PLC0415 - heavy
    from reconciler.embedded import serve as run  # noqa: PLC0415

    settings = EmbeddedSettings(
        database=db, publish_seconds=publish_seconds, edition=edition, fail_pattern=fail
    )
    tell(f"embedded registry: database {db or 'in memory'}, edition {edition}")
    run(settings, host, port)
