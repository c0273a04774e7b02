"""`adopt`: manifests for what is registered and declared nowhere, with the proof that they change nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.adoption import ManifestFolder, adoptions
from reconciler.cli import options
from reconciler.cli.terminal import echo, echo_err, put_json, warned
from reconciler.errors import ConfigurationError, Exit, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.app.adoption import Adopted
    from reconciler.contract.model_key import ModelKey


@dataclass(slots=True)
class _Outcome:
    """What the batches came to, in the form of the JSON output."""

    adopted: list[dict[str, str]] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)

    def leave_out(self, target: str, pair: ModelKey, why: str) -> None:
        self.left_out.append({"target": target, **pair._asdict(), "reason": why})
        echo_err(f"left out {pair} ({target}): {why}")

    def add(self, target: str, pair: ModelKey, path: str) -> None:
        self.adopted.append({"target": target, **pair._asdict(), "path": path})


def adopt(
    glob: Annotated[
        str, typer.Argument(metavar="GLOB", help="The names to adopt, such as 'vision-*'; all by default.")
    ] = "*",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where to write; by default the target's directory."),
    ] = None,
    stdout: Annotated[bool, typer.Option("--stdout", help="Show the manifests and write no file.")] = False,
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,
    verbose: options.VerboseOption = False,  # noqa: ARG001 - every command takes it
) -> None:
    """Writes manifests for what is registered and declared nowhere, and proves that they change nothing.

    Each manifest is read and planned as a commit's would be before it is written. Overwrites nothing and
    commits nothing. Exit code 1 when a model was left out.
    """
    if stdout and (out is not None or output is options.Output.JSON):
        raise ConfigurationError("--stdout shows the manifests themselves: leave out --out and --output json")
    settings = warned(config)
    if out is not None and len(settings.chosen(target)) > 1:
        raise ConfigurationError("--out takes the manifests of one target: name it with --target")
    outcome = _Outcome()
    folder = None if stdout else ManifestFolder(settings, out)
    batches = adoptions(settings, glob, target, (lambda _: None) if quiet else echo_err)
    asyncio.run(_adopted(batches, folder, outcome, quiet=quiet))
    if glob != "*" and not (outcome.adopted or outcome.left_out or quiet):
        echo_err(f"note: no model that is registered and declared nowhere has a name like {glob!r}")
    if output is options.Output.JSON:
        put_json({"version": 1, "adopted": outcome.adopted, "left_out": outcome.left_out})
    else:
        (echo_err if stdout else echo)(f"adopted {len(outcome.adopted)}: 0 to import, 0 drifted")
    raise typer.Exit(int(Exit.ATTENTION if outcome.left_out else Exit.OK))


async def _adopted(
    batches: AsyncIterator[Adopted], folder: ManifestFolder | None, outcome: _Outcome, *, quiet: bool
) -> None:
    async for batch in batches:
        for pair, why in batch.left_out.items():
            outcome.leave_out(batch.target, pair, why)
        if folder is None:
            _show(batch, outcome)
        else:
            _write(folder, batch, outcome, quiet=quiet)
        if not quiet:
            echo_err(progress(batch))


def progress(batch: Adopted) -> str:
    """How far a target is, and what is left of a long run if it goes on as it went."""
    line = f"{batch.target}: {batch.done} of {batch.total} models looked at"
    minutes = batch.took / batch.done * (batch.total - batch.done) / 60
    return line if minutes < 1 else f"{line}; about {minutes:.0f} min more"


def _show(batch: Adopted, outcome: _Outcome) -> None:
    for manifest in batch.held:
        path = f"{batch.folder}/{manifest.path}"
        echo(f"---\n# {path}\n{manifest.data.decode()}")
        outcome.add(batch.target, manifest.pair, path)


def _write(folder: ManifestFolder, batch: Adopted, outcome: _Outcome, *, quiet: bool) -> None:
    for manifest in batch.held:
        try:
            path, new = folder.put(batch.folder, manifest)
        except (ReconcilerError, OSError) as error:
            outcome.leave_out(batch.target, manifest.pair, str(error))
            continue
        if new:
            outcome.add(batch.target, manifest.pair, str(path))
        elif not quiet:
            echo_err(f"{path}: was written before; commit it")
