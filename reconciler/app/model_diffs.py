"""`diff`: a model in every target, declared beside registered. Nothing is created or written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.app.crash import failure_told
from reconciler.app.session import open_session
from reconciler.contract import version_key
from reconciler.contract.model_key import ModelKey
from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.model_diff import declared_model, diff_model
from reconciler.engine.values import TargetFailure
from reconciler.errors import TargetUnusable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.app.session import Session
    from reconciler.engine.model_diff import ModelDiff
    from reconciler.engine.options import Target
    from reconciler.settings import Configuration


@dataclass(frozen=True, slots=True)
class ModelDiffs:
    """A model in all targets that were asked for.

    Attributes:
        commit: whose manifests are compared.
        failures: targets that could not be asked.
    """

    commit: str
    diffs: tuple[ModelDiff, ...]
    failures: tuple[TargetFailure, ...]


async def model_diffs(
    configuration: Configuration, name: str, version: str | None, only: str | None
) -> ModelDiffs:
    """Compares a model in every target, or in the `only` one.

    Args:
        configuration: what is configured.
        name: the model.
        version: one version of it; None takes every one that is declared or remembered.
        only: one target.

    Raises:
        ConfigurationError, SourceError, StateError: as `open_session` does.
    """
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
    return ModelDiffs(commit, tuple(diffs), tuple(failures))


async def _in_target(
    session: Session, target: Target, commit: str, name: str, version: str | None
) -> AsyncIterator[ModelDiff]:
    declared = desired_state(session.source, target.index, target.reader, commit, credited=False)
    remembered = session.ledger.versions(target.name, [name])
    versions = {pair.model_version for pair in remembered} | declared.versions([name])[name]
    for one in [version] if version else sorted(versions, key=version_key):
        pair = ModelKey(name, one)
        entry = session.ledger.entry(target.name, pair)
        yield await diff_model(target, declared_model(declared, pair, remembered), entry, datetime.now(UTC))
