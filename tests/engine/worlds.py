"""A small world for the engine: a registry and a source in memory behind the ports, with faults on request.

The ledger is the real one, on a real SQLite file.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.budgets import DEFAULTS, Budgets
from reconciler.contract import ModelKey, edition
from reconciler.engine.clock import Clock, Timing
from reconciler.engine.cycle import Engine
from reconciler.engine.graph import CommitGraph
from reconciler.engine.guards import Guards
from reconciler.engine.manifest_parser import ManifestParser
from reconciler.engine.options import CycleOptions
from reconciler.engine.target import Target
from reconciler.engine.values import Created, Delta, Event, File, ObservedModel, Report, Snapshot
from reconciler.errors import (
    AlreadyExists,
    IntentTooOld,
    NotFound,
    OutcomeUnknown,
    RegistryError,
    RegistryUnavailable,
    Rejected,
    Unauthorised,
)
from reconciler.index import Store
from reconciler.registry.vendor import MODELARTS
from reconciler.source.git_log import Commit
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reconciler.engine.vendor import Vendor

START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Crash(BaseException):
    """The process dies here."""


def text(name: str, version: str = "1.0.0", description: str = "as declared") -> str:
    return (
        f"model_name: {name}\nmodel_version: {version}\nmodel_type: TensorFlow\n"
        f"source_location: https://models.obs.myhwclouds.com/{name}\ndescription: {description}\n"
    )


def _blob(data: bytes) -> str:
    return sha1(data, usedforsecurity=False).hexdigest()


def _entry(tree: Mapping[str, bytes], path: str) -> str | None:
    return f"100644 {_blob(tree[path])}" if path in tree else None


@dataclass
class MemorySource:
    """One branch of one repository; each `commit` replaces the files given.

    Attributes:
        touches: for each commit, the files it changed.
        trees: for each commit, its files.
    """

    commits: list[str] = field(default_factory=list)
    touches: list[frozenset[str]] = field(default_factory=list)
    trees: list[dict[str, bytes]] = field(default_factory=list)

    def commit(self, files: Mapping[str, str | None]) -> str:
        before = self.trees[-1] if self.trees else {}
        now = before | {path: content.encode() for path, content in files.items() if content is not None}
        for path in [path for path, content in files.items() if content is None]:
            now.pop(path, None)
        self.trees.append(now)
        self.touches.append(frozenset(path for path in files if before.get(path) != now.get(path)))
        name = sha1(repr((self.commits, sorted(now.items()))).encode(), usedforsecurity=False)
        self.commits.append(name.hexdigest())
        return self.commits[-1]

    def rewrite(self) -> None:
        """The same history under other names, as after a rebase."""
        self.commits = [
            sha1(f"again {name}".encode(), usedforsecurity=False).hexdigest() for name in self.commits
        ]

    def head(self) -> str:
        return self.commits[-1]

    def held(self) -> None:
        return None

    def judged(self, commit: str) -> None:  # noqa: ARG002
        return None

    def vouched(self, commit: str) -> None:  # noqa: ARG002
        return None

    def resolve(self, revision: str) -> str:
        return revision

    def tidy(self) -> None:
        pass

    def followed(self) -> Mapping[str, str]:
        return {}

    def is_shallow(self) -> bool:
        return False

    def parents(self, commit: str) -> Sequence[str]:
        raise NotImplementedError

    def contains(self, commit: str, earlier: str, before: Collection[str] = ()) -> bool:  # noqa: ARG002
        return earlier in self.commits[: self.commits.index(commit) + 1]

    def snapshot(self, commit: str, path: str) -> Snapshot:
        held = sorted(self.trees[self.commits.index(commit)].items())
        files = tuple(File(name, _blob(data), "100644", len(data)) for name, data in held)
        return Snapshot(commit, path, files, exists=bool(files))

    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        contents = {_blob(data): data for tree in self.trees for data in tree.values()}
        for blob in blobs:
            yield blob, contents[blob]

    def contents(self, blobs: Iterable[str], *, at_most: int) -> Iterator[tuple[str, bytes]]:
        return ((blob, data[:at_most]) for blob, data in self.read(blobs))

    def files(self, commit: str, paths: Collection[str]) -> Mapping[str, File]:
        return {file.path: file for file in self.snapshot(commit, "models.d").files if file.path in paths}

    def changes(self, old: str, new: str, path: str) -> Mapping[str, File | None] | None:
        if old not in self.commits:
            return None
        before = {file.path: file for file in self.snapshot(old, path).files}
        after = {file.path: file for file in self.snapshot(new, path).files}
        if not after or not before:
            return None
        return {name: after.get(name) for name in {*before, *after} if before.get(name) != after.get(name)}

    def graph_since(self, since: str, commit: str, path: str) -> CommitGraph | None:
        assert path == "models.d"
        if since not in self.commits:
            return None
        first, last = self.commits.index(since) + 1, self.commits.index(commit) + 1
        return CommitGraph(commit, [self._logged(number) for number in reversed(range(first, last))])

    @contextmanager
    def graph(self, commit: str, paths: Collection[str], *, whole: bool = False) -> Iterator[CommitGraph]:  # noqa: ARG002 - all are told
        last = self.commits.index(commit) + 1
        yield CommitGraph(commit, [self._logged(number) for number in reversed(range(last))])

    def some_commits(self, commits: Sequence[str], path: str) -> CommitGraph:
        assert path == "models.d"
        return CommitGraph(commits[0], [self._logged(self.commits.index(commit)) for commit in commits])

    def number_of_commits(self, commit: str) -> int:
        return self.commits.index(commit) + 1

    def _logged(self, number: int) -> Commit:
        before = self.trees[number - 1] if number else {}
        now = self.trees[number]
        deltas = tuple(Delta(path, _entry(before, path), _entry(now, path)) for path in self.touches[number])
        parents = tuple(self.commits[number - 1 : number]) if number else ()
        return Commit(self.commits[number], parents, deltas, ("Ann <ann@example.org>", "@0 +0000", ":Change"))

    def notes(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        pass


_NOT_MADE: Mapping[str, tuple[type[RegistryError], str, dict[str, Any]]] = {
    "busy": (RegistryUnavailable, "busy", {"status": 429, "code": "ModelArts.6101"}),
    "refused": (Rejected, "no", {"status": 400, "code": "ModelArts.3037"}),
    "denied": (Unauthorised, "who?", {"status": 401, "code": "APIGW.0301"}),
    "odd": (RegistryError, "there is nothing here", {"status": 404}),
    "slow": (IntentTooOld, "not sent", {}),
    "elsewhere": (AlreadyExists, "taken", {"status": 409, "code": "ModelArts.3002"}),
    "gone": (OutcomeUnknown, "connection lost", {}),
}


@dataclass
class MemoryRegistry:
    """A registry that holds each pair once, and errs as `faults` say: one word for each import call, in turn.

    Attributes:
        faults: `lost` (made, answer lost), `gone` (not made, answer lost), `busy` (not made, told so),
            `refused` (rejected for good), `denied` (credentials), `crash` (made, and this process dies),
            `elsewhere` (taken, where no list shows it), `odd` (an endpoint that is not the registry's),
            `slow` (not sent: its intent took too long to be written).
        hidden: how many look-ups do not show a new model yet.
        unreadable: pairs of whose models no detail can be read.
    """

    vendor: ClassVar[Vendor] = MODELARTS

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    calls: list[ModelKey] = field(default_factory=list)
    most_of_a_pair: int = 0
    hidden: int = 0
    status: str = "published"
    unreadable: set[ModelKey] = field(default_factory=set)

    async def list_models(self) -> Sequence[ObservedModel]:
        return [self._listed(model_id) for model_id in self.models]

    async def find(self, pair: ModelKey) -> Sequence[ObservedModel]:
        if self.hidden:
            self.hidden -= 1
            return []
        return [model for model in await self.list_models() if model.pair == pair]

    async def detail(self, model_id: str) -> Mapping[str, Any]:
        if model_id not in self.models:
            raise NotFound("no such model", method="GET", path=model_id, status=404)
        if self._listed(model_id).pair in self.unreadable:
            raise RegistryUnavailable("the registry failed", method="GET", path=model_id, status=500)
        return self.models[model_id]

    async def create(self, request: Mapping[str, Any], intent: Callable[[], Awaitable[None]]) -> Created:
        await intent()
        pair = ModelKey(request["model_name"], request["model_version"])
        self.calls.append(pair)
        fault = self.faults.pop(0) if self.faults else ""
        facts: Any = {"method": "POST", "path": "/v1/p/models"}
        if fault in _NOT_MADE:
            kind, message, more = _NOT_MADE[fault]
            raise kind(message, **facts, **more)
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
        model = self._listed(model_id)
        return Created(model_id, "r-1", model.status, model.stage)

    async def delete(self, model_id: str) -> None:
        self.models.pop(model_id, None)

    async def aclose(self) -> None:
        pass

    def _listed(self, model_id: str) -> ObservedModel:
        model = self.models[model_id]
        status = model["model_status"]
        pair = ModelKey(model["model_name"], model["model_version"])
        return ObservedModel(model_id, pair, status, stage=self.vendor.stage(status))


@dataclass
class World:
    """Source, registry and state that outlive each process; `process` is one life of the program.

    Attributes:
        now: this machine's clock, which may be set.
        elapsed: seconds that really passed, whatever the clock says.
        dies_after: how many events are journalled before the process dies, once; None for no death.
        server: the URL of a state on a server; None for a file.
    """

    folder: Path
    source: MemorySource = field(default_factory=MemorySource)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    now: datetime = START
    guards: Guards = field(default_factory=Guards)
    stopping: bool = False
    in_flight: int = 2
    call_timeout: float = 30.0
    events: list[Event] = field(default_factory=list)
    dies_after: int | None = None
    judge_all_below: int = 1000
    budgets: Budgets = DEFAULTS
    elapsed: float = 0.0
    server: str | None = None
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        return self.server or f"sqlite:///{self.folder / 'state.db'}"

    @contextmanager
    def process(self) -> Iterator[Engine]:
        async def sleep(seconds: float) -> None:
            self.wait(seconds)

        with open_state(self.url, writer=True) as ledger:
            clock = Clock(
                lambda: self.now,
                sleep,
                lambda: 0.5,
                lambda: f"id-{next(self.numbers)}",
                lambda: self.stopping,
            )
            index = Store(self.folder / "index.db", writes=True)
            target = Target(
                "local",
                self.registry,
                ManifestParser(edition("seed-2019"), "models.d", self.budgets),
                index.of("local", "rules"),
                index.history_of("local"),
                timing=Timing(in_flight=self.in_flight, call_timeout=self.call_timeout),
                judge_all_below=self.judge_all_below,
            )
            engine = Engine(self.source, ledger, (target,), self.guards, clock, self._progress)
            try:
                yield engine
            finally:
                engine.git.close()
                index.close()

    async def apply(self, **options: Any) -> Report:
        """One process that applies once."""
        with self.process() as engine:
            return await engine.cycle(CycleOptions(**options))

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
