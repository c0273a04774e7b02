"""`adopt`: manifests for what the targets hold and git does not declare. Registries are only read."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.app.registries import failure_told
from reconciler.app.scaffold import write_new
from reconciler.app.session import Session, open_session
from reconciler.engine.adopt import Candidate, candidate, paths_of, prove
from reconciler.engine.desired_state_reader import desired_state
from reconciler.engine.observe import all_details_of, observe
from reconciler.engine.plan import verdicts
from reconciler.engine.planner_input import PlannerInput
from reconciler.engine.values import Desired, ObservedModel, Verdict
from reconciler.errors import ConfigurationError, NoCommitError, ReconcilerError
from reconciler.source.worktree import work_tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from reconciler.contract.model_key import ModelKey
    from reconciler.engine.options import Target
    from reconciler.settings import Configuration

_AT_ONCE = 500  # models whose details are in memory together


@dataclass(frozen=True, slots=True)
class Adopted:
    """One batch of models of one target.

    Attributes:
        held: manifests that a plan was proved to leave unchanged.
        left_out: why the other models have none, by pair.
        done, total: how many of the target's models were looked at by now, and how many there are.
        took: seconds that looking at these took.
    """

    target: str
    folder: str
    held: Sequence[Candidate]
    left_out: dict[ModelKey, str]
    done: int
    total: int
    took: float


async def adoptions(
    configuration: Configuration, glob: str, only: str | None, tell: Callable[[str], None]
) -> AsyncIterator[Adopted]:
    """Manifests for every registered model that is declared nowhere, batch by batch.

    `glob` is a shell's pattern of names; `tell` is called with a line when a registry is waited for.

    Raises:
        ConfigurationError, SourceError, StateError: as `open_session` does.
        TargetUnusable: a registry could not be asked.
        ReconcilerError: a manifest cannot be read, so what it declares is not known.
    """
    async with open_session(configuration, acts=False, only=only) as session:
        commit: str | None = None
        with suppress(NoCommitError):  # a repository that has no commit yet declares nothing
            commit = session.source.head()
        for target in session.engine.targets:
            with failure_told(target.name):
                async for adopted in _in_target(session, target, commit, glob, tell):
                    yield adopted


async def _in_target(
    session: Session, target: Target, commit: str | None, glob: str, tell: Callable[[str], None]
) -> AsyncIterator[Adopted]:
    view = await _observed(session, target, commit)
    models = _undeclared(view, glob)
    paths = paths_of(model.pair for model in models)
    began = time.monotonic()

    async def waits(seconds: float) -> None:
        tell(f"{target.name}: the registry is busy; going on in {seconds:.0f} s")
        await asyncio.sleep(seconds)

    for start in range(0, len(models), _AT_ONCE):
        some = models[start : start + _AT_ONCE]
        held, left_out = await _batch(target, view, some, paths, waits)
        done = start + len(some)
        yield Adopted(target.name, target.path, held, left_out, done, len(models), time.monotonic() - began)


async def _observed(session: Session, target: Target, commit: str | None) -> PlannerInput:
    desired = Desired({})
    if commit is not None:
        source, index = session.source, target.index
        desired = desired_state(source, index, target.reader, commit, credited=False).desired()
    for broken in desired.invalid:
        if broken.may_declare_anything:
            message = (
                f"{broken.path}: cannot be read, and could declare any model; mend or remove it, and commit"
            )
            raise ReconcilerError(f"target {target.name}: {message}")
    entries = session.ledger.entries(target.name)
    view = PlannerInput(target.name, desired, session.engine.clock.now(), entries=entries)
    return (await observe(target.registry, view, only=None, in_flight=target.timing.in_flight))[0]


def _undeclared(view: PlannerInput, glob: str) -> list[ObservedModel]:
    """The planner's unmanaged models of these names; of several of one pair, the oldest."""
    pairs = [item.pair for item in verdicts(view) if item.verdict is Verdict.UNMANAGED and item.pair]
    return [view.observed[pair][0] for pair in dict.fromkeys(pairs) if fnmatchcase(pair.model_name, glob)]


async def _batch(
    target: Target,
    view: PlannerInput,
    models: Sequence[ObservedModel],
    paths: dict[ModelKey, str],
    waits: Callable[[float], Awaitable[None]],
) -> tuple[Sequence[Candidate], dict[ModelKey, str]]:
    vendor, ids = target.registry.vendor, [model.model_id for model in models]
    details = await all_details_of(target.registry, ids, target.timing.in_flight, waits)
    candidates = []
    for model in models:
        if model.model_id in details.read:
            request, untold = vendor.adoptable(details.read[model.model_id], target.reader.edition)
            candidates.append(candidate(model.pair, model.model_id, paths[model.pair], request, untold))
    proof = prove(vendor, target.reader, view, candidates, details.read)
    unread = {
        model.pair: details.unread.get(model.model_id, "it is gone from the registry")
        for model in models
        if model.model_id not in details.read
    }
    return proof.held, {**unread, **proof.failed}


class ManifestFolder:
    """The folder that manifests are written to: the work tree's, or another one.

    Raises:
        ConfigurationError: no other one is given, and the repository is bare.
    """

    def __init__(self, configuration: Configuration, out: Path | None) -> None:
        settings = configuration.settings
        paths = [target.path for target in settings.targets.values()]
        self._out = out
        tree = work_tree(settings.source.repo, configuration.base, paths)
        if out is None and tree.is_bare:
            raise ConfigurationError(
                f"{tree.base}: a bare repository has no files: name a folder of a clone with --out, "
                "or show the manifests with --stdout"
            )
        self._base = tree.base

    def put(self, folder: str, manifest: Candidate) -> tuple[Path, bool]:
        """Writes one manifest; gives its path, and whether it was new. The same bytes are left as they are.

        Raises:
            ReconcilerError: another file is there, or the path leads through a link.
            OSError: as writing does.
        """
        path = (self._base / folder if self._out is None else self._out) / manifest.path
        if write_new(self._out or self._base, path, manifest.data):
            return path, True
        if path.is_file() and not path.is_symlink() and path.read_bytes() == manifest.data:
            return path, False
        raise ReconcilerError(f"{path}: is there already and is not overwritten")
