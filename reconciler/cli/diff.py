"""`diff`: what is declared of one model beside what is registered, field by field."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.app.registries import failure_told
from reconciler.app.session import open_session
from reconciler.cli import options
from reconciler.cli.asked import model_asked
from reconciler.cli.terminal import colour, echo, echo_err, put_json, warned
from reconciler.contract import version_key
from reconciler.contract.model_key import ModelKey
from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.model_diff import DiffResult, diff_model
from reconciler.engine.values import TargetFailure
from reconciler.errors import Exit, ReconcilerError, TargetUnusable
from reconciler.views import model_diff as view

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.app.session import Session
    from reconciler.engine.model_diff import ModelDiff
    from reconciler.engine.target import Target
    from reconciler.settings import Configuration


def diff(
    model: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="The model to compare, or one version of it.")
    ],
    config: options.ConfigOption = None,
    target: options.TargetOption = None,
    output: options.OutputOption = options.Output.TEXT,
    quiet: options.QuietOption = False,  # noqa: ARG001 - every command takes it
    verbose: options.VerboseOption = False,
) -> None:
    """Shows what is declared beside what is registered, field by field, in every target. Changes nothing.

    Exit code 0 when both sides are equal in every target that knows the model, 1 when they differ or a side
    is absent.
    """
    commit, diffs, failures = asyncio.run(_compared(warned(config), target, *model_asked(model)))
    for failure in failures:
        echo_err(f"error: {failure.message}")
    if output is options.Output.JSON:
        put_json(view.as_json(commit, diffs, failures))
    else:
        echo(view.text(diffs, colour=colour(), verbose=verbose))
    if failures:
        raise typer.Exit(max(failure.exit_code for failure in failures))
    if not diffs:
        raise ReconcilerError(f"{model}: no such model is declared or remembered")
    results = {diff.result for diff in diffs} - {DiffResult.ABSENT}
    raise typer.Exit(int(Exit.OK if results == {DiffResult.EQUAL} else Exit.ATTENTION))


async def _compared(
    configuration: Configuration, only: str | None, name: str, version: str | None
) -> tuple[str, list[ModelDiff], list[TargetFailure]]:
    """The commit, the model in every target or in the `only` one, and why a target could not be asked."""
    diffs: list[ModelDiff] = []
    failures: list[TargetFailure] = []
    async with open_session(configuration, acts=False, only=only) as session:
        commit = session.source.head()
        for target in session.engine.targets:
            try:
                with failure_told(target.name):
                    diffs += [diff async for diff in _in_target(session, target, commit, name, version)]
            except TargetUnusable as error:
                failures.append(TargetFailure(target.name, str(error), error.exit_code))
    return commit, diffs, failures


async def _in_target(
    session: Session, target: Target, commit: str, name: str, version: str | None
) -> AsyncIterator[ModelDiff]:
    """One version, or every one that is declared or remembered."""
    declared = desired_state(session.source, target.index, target.parser, commit, with_last_commits=False)
    remembered = session.ledger.versions(target.name, [name])
    versions = {pair.model_version for pair in remembered} | declared.versions([name])[name]
    for one in [version] if version else sorted(versions, key=version_key):
        pair = ModelKey(name, one)
        entry = session.ledger.entry(target.name, pair)
        yield await diff_model(target, declared, pair, remembered, entry, datetime.now(UTC))
