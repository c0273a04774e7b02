"""`registry serve`: the embedded registry on a port, for teams, demos and tests."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli.log import start_log
from reconciler.cli.terminal import echo_err
from reconciler.embedded import EmbeddedSettings, load_faults
from reconciler.embedded import serve as run

app = typer.Typer(help="The embedded registry.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The embedded registry."""


@app.command()
def serve(
    settings: Annotated[
        Path | None,
        typer.Option("--settings", metavar="FILE", help="TOML file with every switch; options win over it."),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8400,
    db: Annotated[
        Path | None, typer.Option("--db", metavar="FILE", help="SQLite file; without it all is in memory.")
    ] = None,
    publish_seconds: Annotated[
        float | None,
        typer.Option("--publish-seconds", min=0, help="How long an import takes to be published; default 1."),
    ] = None,
    edition: Annotated[
        str | None, typer.Option("--edition", help="Rule set of the vendor's documents; default seed-2019.")
    ] = None,
    fail: Annotated[
        str | None,
        typer.Option("--fail", metavar="PATTERN", help="Imports of names matching PATTERN end as failed."),
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option("--strict/--lenient", help="Refuse what the tables forbid and the examples do."),
    ] = None,
    faults: Annotated[
        Path | None,
        typer.Option("--faults", metavar="FILE", help="TOML file of what is to go wrong, and when."),
    ] = None,
    is_open: Annotated[
        bool, typer.Option("--open", help="Ask for no token where the settings name no credentials.")
    ] = False,
) -> None:
    """Serves the registry over HTTP until it is stopped.

    Its URL, its log and the token that it asks for go to standard error; the API's description is at
    /openapi.json and /docs.
    """
    typed: dict[str, Any] = {
        "database": db,
        "publish_seconds": publish_seconds,
        "edition": edition,
        "fail_pattern": fail,
        "strict": strict,
        "faults": load_faults(faults) if faults else None,
    }
    chosen = _chosen(settings, {name: value for name, value in typed.items() if value is not None})
    start_log("info", as_json=False)
    token = None if is_open or chosen.auth else secrets.token_urlsafe(32)
    run(chosen, host, port, token=token, ready=lambda url: echo_err(_ready(url, chosen, token)))


def _chosen(file: Path | None, typed: dict[str, Any]) -> EmbeddedSettings:
    """The file's settings, with what was typed in their place. Raises ConfigurationError."""
    if file is None:
        return replace(EmbeddedSettings(), **typed)
    from reconciler.embedded.toml_settings import read_settings  # noqa: PLC0415 - pydantic

    return replace(read_settings(file), **typed)


def _ready(url: str, settings: EmbeddedSettings, token: str | None) -> str:
    where = f"database {settings.database or 'in memory'}"
    who = "asks for credentials" if settings.auth else "asks for a token" if token else "lets everybody in"
    line = f"embedded registry: {url} ({where}, edition {settings.edition}, {who})"
    return line if token is None else f"{line}\ntoken of this run, to send as X-Auth-Token: {token}"
