"""`init`: the first files of a repository that declares models."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app import scaffold
from reconciler.app.scaffold import starter_configuration
from reconciler.cli import options
from reconciler.cli.terminal import configuration, echo, echo_err, put_json
from reconciler.settings import FILE_NAME, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.app.scaffold import InitOptions, StarterFile
    from reconciler.settings import Settings

    Written = list[tuple[StarterFile, bool]]
    """Each file, and whether it is new."""


NameOption = Annotated[
    str | None, typer.Option("--target", metavar="NAME", help="Name of the target: local or prod.")
]
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="URL", help="Of a ModelArts service; else the embedded registry."),
]
ProjectOption = Annotated[
    str | None, typer.Option("--project-id", metavar="ID", help="The project, with --endpoint.")
]
EditionOption = Annotated[
    str | None, typer.Option("--edition", metavar="EDITION", help="Rule set of the vendor's documents.")
]
HostOption = Annotated[
    options.Forge | None,
    typer.Option("--forge", help="Whose pipeline template; by default that of the host of `origin`."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be written; with --verbose, show it.")
]


def init(
    target: NameOption = None,
    endpoint: EndpointOption = None,
    project_id: ProjectOption = None,
    edition: EditionOption = None,
    forge: HostOption = None,
    dry_run: DryRunOption = False,
    config: options.ConfigOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,
) -> None:
    """Writes a first manifest, its schema, a configuration, a pre-commit hook and a pipeline template.

    Run it in a git repository, as often as you like: what is there is left as it is. Commits nothing.
    """
    top = scaffold.repository_of(Path.cwd())
    target_options = scaffold.InitOptions(target, endpoint, project_id, edition)
    settings, text = _configured(config, top, target_options)
    host = scaffold.forge_of(top) if forge is None else forge.value
    starters = list(scaffold.starter_files(settings, text, host))
    written = list(scaffold.write(top, starters, dry_run=dry_run))
    if output is options.Output.JSON:
        created = [starter.path for starter, new in written if new]
        kept = [starter.path for starter, new in written if not new]
        put_json({"version": 1, "dry_run": dry_run, "created": created, "kept": kept})
        return
    _show(written, dry_run=dry_run, verbose=verbose)
    if not quiet:
        for note in _notes(target_options, written, has_host=host is not None):
            echo_err(note)


def _configured(config: Path | None, top: Path, target_options: InitOptions) -> tuple[Settings, str | None]:
    """The settings that hold, or that will; and the text of `reconciler.toml`, unless another file holds."""
    text = starter_configuration(target_options)
    settings = configuration(config)
    if settings.file is None:
        return parse(tomllib.loads(text)), text
    return settings.settings, text if settings.file == top / FILE_NAME else None


def _show(written: Written, *, dry_run: bool, verbose: bool) -> None:
    for starter, new in written:
        created = "would create" if dry_run else "created"
        echo(f"{created if new else 'kept':<{len(created)}}  {starter.path}")
        if verbose and (new or dry_run):
            echo("".join(f"    {line}\n" for line in starter.text.splitlines()))


def _notes(target_options: InitOptions, written: Written, *, has_host: bool) -> Sequence[str]:
    """Notes for a person who starts with the program."""
    notes = []
    configured = any(starter.path == FILE_NAME and new for starter, new in written)
    given = target_options.name, target_options.endpoint, target_options.project_id, target_options.edition
    if not configured and any(given):
        notes.append(
            "note: there is a configuration already: the target that you asked for is not added to it"
        )
    if not has_host:
        notes.append(
            "note: `origin` points to no host that is known: --forge HOST adds its pipeline template"
        )
    if any(not new for _, new in written):
        notes.append("note: what was kept may lack something: `init --dry-run --verbose` shows each template")
    return [
        *notes,
        "Next: `reconciler adopt` writes manifests for what is registered already; commit, then `plan`",
    ]
