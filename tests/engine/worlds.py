"""A small world for the engine: a registry and a source in memory behind the ports, with faults on request.

The ledger is the real one, on a real SQLite file.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from reconciler.contract import Pair, edition
from reconciler.engine.clock import Clock, Policy
from reconciler.engine.cycle import Engine, Order, Target
from reconciler.engine.desired import ManifestReader
from reconciler.engine.guards import Guards
from reconciler.engine.values import Attribution, Created, Event, File, ObservedModel, Report, Snapshot, Touch
from reconciler.errors import (
    AlreadyExists,
    NotFound,
    OutcomeUnknown,
    RegistryUnavailable,
    Rejected,
    Unauthorised,
)
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process dies here."""


def text(name: str, version: str = "1.0.0", description: str = "as declared") -> str:
    return (
        f"model_name: {name}\nmodel_version: {version}\nmodel_type: TensorFlow\n"
        f"source_location: https://models.obs.myhwclouds.com/{name}\ndescription: {description}\n"
    )


@dataclass
class MemorySource:
    """One branch of one repository; each `commit` replaces the files given.

    Attributes:
        held: the files of the newest commit.
        touched: for each commit, the files it changed.
        trees: for each commit, its files.
    """

    held: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    touched: list[frozenset[str]] = field(default_factory=list)
    trees: list[dict[str, bytes]] = field(default_factory=list)

    def commit(self, files: Mapping[str, str | None]) -> str:
        before = dict(self.held)
        self.held |= {path: content.encode() for path, content in files.items() if content is not None}
        for path in [path for path, content in files.items() if content is None]:
            self.held.pop(path, None)
        self.touched.append(frozenset(path for path in files if before.get(path) != self.held.get(path)))
        name = sha1(repr((self.commits, sorted(self.held.items()))).encode(), usedforsecurity=False)
        self.commits.append(name.hexdigest())
        self.trees.append(dict(self.held))
        return self.commits[-1]

    def rewrite(self) -> None:
        """The same history under other names, as after a rebase."""
        self.commits = [
            sha1(f"again {name}".encode(), usedforsecurity=False).hexdigest() for name in self.commits
        ]

    def head(self) -> str:
        return self.commits[-1]

    def resolve(self, revision: str) -> str:
        return revision

    def contains(self, commit: str, earlier: str) -> bool:
        return earlier in self.commits[: self.commits.index(commit) + 1]

    def snapshot(self, commit: str, path: str) -> Snapshot:
        files = tuple(_file(name, data) for name, data in sorted(self.held.items()))
        return Snapshot(commit, path, files, exists=bool(files))

    def files(self, commit: str, paths: Collection[str]) -> Mapping[str, File]:
        held = self._tree(commit)
        return {path: _file(path, held[path]) for path in paths if path in held}

    def changes(self, old: str, new: str, path: str) -> Mapping[str, File | None] | None:  # noqa: ARG002
        if old not in self.commits:
            return None
        before, after = self._tree(old), self._tree(new)
        differing = [name for name in before | after if before.get(name) != after.get(name)]
        return {name: _file(name, after[name]) if name in after else None for name in differing}

    def _tree(self, commit: str) -> dict[str, bytes]:
        return self.trees[self.commits.index(commit)]

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        known = {sha1(data, usedforsecurity=False).hexdigest(): data for data in self.held.values()}
        for blob in blobs:
            yield blob, known[blob]

    def attribute(self, commit: str, blobs: Mapping[str, str | None], since: str | None = None) -> Any:
        if since is not None and not self.contains(commit, since):
            return None
        first = 0 if since is None else self.commits.index(since) + 1
        last = self.commits.index(commit) + 1
        return {
            path: Attribution(name, "Ann <ann@example.org>", START, "Change")
            for name, touched in list(zip(self.commits, self.touched, strict=True))[first:last]
            for path in touched & blobs.keys()
        }

    def history(self, commit: str, root: str) -> Sequence[Touch]:
        raise NotImplementedError

    def notes(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        pass


def _file(path: str, data: bytes) -> File:
    return File(path, sha1(data, usedforsecurity=False).hexdigest(), "100644", len(data))


@dataclass
class MemoryRegistry:
    """A registry that holds each pair once, and errs as `faults` say: one word for each import call, in turn.

    Attributes:
        faults: `lost` (made, answer lost), `gone` (not made, answer lost), `busy` (not made, told so),
            `refused` (rejected for good), `denied` (credentials), `crash` (made, and this process dies).
        hidden: how many look-ups do not show a new model yet.
    """

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    calls: list[Pair] = field(default_factory=list)
    most_of_a_pair: int = 0
    hidden: int = 0
    status: str = "published"

    async def list_models(self) -> Sequence[ObservedModel]:
        return [self._listed(model_id) for model_id in self.models]

    async def find(self, pair: Pair) -> Sequence[ObservedModel]:
        if self.hidden:
            self.hidden -= 1
            return []
        return [found for found in await self.list_models() if found.pair == pair]

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        if model_id not in self.models:
            raise NotFound("no such model", method="GET", path=model_id, status=404)
        return self.models[model_id]

    async def create(self, request: Mapping[str, Any]) -> Created:
        pair = Pair(request["model_name"], request["model_version"])
        self.calls.append(pair)
        fault = self.faults.pop(0) if self.faults else ""
        facts: Any = {"method": "POST", "path": "/v1/p/models"}
        if fault == "busy":
            raise RegistryUnavailable("busy", status=429, code="ModelArts.6101", **facts)
        if fault == "refused":
            raise Rejected("no", status=400, code="ModelArts.3037", **facts)
        if fault == "denied":
            raise Unauthorised("who?", status=401, code="APIGW.0301", **facts)
        if fault == "gone":
            raise OutcomeUnknown("connection lost", **facts)
        if any(self._listed(model_id).pair == pair for model_id in self.models):
            raise AlreadyExists("taken", status=409, code="ModelArts.3002", **facts)
        model_id = f"m-{len(self.calls)}"
        self.models[model_id] = {**request, "model_id": model_id, "model_status": self.status}
        rows = [self._listed(other).pair for other in self.models]
        self.most_of_a_pair = max(self.most_of_a_pair, rows.count(pair))
        if fault == "lost":
            raise OutcomeUnknown("connection lost", **facts)
        if fault == "crash":
            raise Crash
        return Created(model_id, "r-1")

    async def delete(self, model_id: str) -> None:
        self.models.pop(model_id, None)

    async def aclose(self) -> None:
        pass

    def _listed(self, model_id: str) -> ObservedModel:
        model = self.models[model_id]
        return ObservedModel(
            model_id, Pair(model["model_name"], model["model_version"]), model["model_status"]
        )


@dataclass
class World:
    """Source, registry and state that outlive each process; `process` is one life of the program.

    Attributes:
        now: this machine's clock, which may be set.
        elapsed: seconds that really passed, whatever the clock says.
        dies_after: how many events are journalled before the process dies, once; None for no death.
    """

    folder: Path
    source: MemorySource = field(default_factory=MemorySource)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    now: datetime = START
    guards: Guards = field(default_factory=Guards)
    stopping: bool = False
    in_flight: int = 2
    events: list[Event] = field(default_factory=list)
    dies_after: int | None = None
    elapsed: float = 0.0

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'state.db'}"

    @contextmanager
    def process(self) -> Iterator[Engine]:
        async def sleep(seconds: float) -> None:
            self.wait(seconds)

        numbers = iter(range(1_000_000))
        with open_state(self.url, writer=True) as ledger:
            clock = Clock(
                lambda: self.now, sleep, lambda: 0.5, lambda: f"id-{next(numbers)}", lambda: self.stopping
            )
            target = Target(
                "local",
                "models.d",
                self.registry,
                ManifestReader(edition("seed-2019")),
                Policy(in_flight=self.in_flight),
            )
            engine = Engine(self.source, ledger, (target,), self.guards, clock, self._progress)
            try:
                yield engine
            finally:
                engine.close()

    async def apply(self, **wanted: Any) -> Report:
        """One process that applies once."""
        with self.process() as engine:
            return await engine.cycle(Order(**wanted))

    def wait(self, seconds: float) -> None:
        """Time passes, for this program and for the registry."""
        self.now += timedelta(seconds=seconds)
        self.elapsed += seconds

    def _progress(self, event: Event) -> None:
        self.events.append(event)
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                self.dies_after = None
                raise Crash
