"""The places where a process can die, by name: before and after each step that something outlives.

A place is a function of the program and a moment, its call or its return (of a synchronous one: what waits
returns each time it waits); some only count inside another
function. The program knows nothing of this: the interpreter's own profiling hook watches for the place
(`tests.torture.life`), and a name that no longer exists is an error there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Moment = Literal["call", "return", "end"]


@dataclass(frozen=True)
class Within:
    """A function that has to be under way, and what its local variables have to be, as text.

    A name may go into attributes (`call.method`); of a sequence, one of its members is enough.
    """

    place: str
    having: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Point:
    """One place to die at.

    Attributes:
        name: such as `intent/committed`.
        place: `module:function` or `module:Class.method`.
        moment: at the function's call or at its return (a generator: with each value), or a generator's end.
        within: what has to be under way, all of it.
        scene: what goes wrong besides, see `tests.torture.scene.SCENES`.
        earlier: names of points where earlier lives of the same world died.
        victim: which process dies.
        command: what the program was doing: one cycle, the loop, another attempt at one model, or
            compressing the journal.
    """

    name: str
    place: str
    moment: Moment
    within: tuple[Within, ...] = ()
    scene: str = "plain"
    earlier: tuple[str, ...] = ()
    victim: Literal["program", "registry"] = "program"
    command: Literal["apply", "run", "retry", "compact"] = "apply"

    @property
    def family(self) -> str:
        """The part of the name before the slash."""
        return self.name.partition("/")[0]


_APPEND = "reconciler.state.ledger:SqlLedger.append"
_TELL = "reconciler.engine.recorder:_tell"
_COMMIT = "sqlalchemy.engine.default:DefaultDialect.do_commit"
_LEDGER = "reconciler.state.ledger:SqlLedger"
_CALL = "reconciler.registry.http_session:HttpSession._persist"
_WRITING = Within("reconciler.state.database:Database.write")
_POST = Within(_CALL, {"call.method": "POST"})
_POST_LOST = Within("reconciler.registry.http_session:_lost", {"call.method": "POST"})

_KINDS = {
    "intent": ("import-requested", "plain"),
    "result": ("imported", "plain"),
    "status": ("published", "plain"),
    "unknown": ("outcome-unknown", "lost"),
    "adopted": ("adopted", "lost"),
    "settled": ("settled-not-made", "gone"),
    "postponed": ("postponed", "busy"),
    "rejected": ("rejected", "refused"),
    "failed": ("failed", "failing"),
    "drifted": ("drifted", "foreign"),
    "missing": ("missing", "deleted"),
    "compared": ("adopted", "found"),
    "exists": ("exists", "elsewhere"),
    "elsewhere": ("exists-elsewhere", "elsewhere"),
}
_RETRIES = {"released": "accepted", "deleted": "mended"}


def _journalling(kind: str) -> Within:
    """While an event of this kind is being written, alone or together with others."""
    return Within(_APPEND, {"events.kind": kind})


def _events() -> Iterator[Point]:
    """Four places around each event: before it, before and after its commit, and when everybody knows."""
    for family, (kind, scene) in _KINDS.items():
        about = _journalling(kind)
        yield Point(f"{family}/due", _APPEND, "call", (about,), scene)
        yield Point(f"{family}/uncommitted", _COMMIT, "call", (about, _WRITING), scene)
        yield Point(f"{family}/committed", _COMMIT, "return", (about, _WRITING), scene)
        yield Point(f"{family}/recorded", _TELL, "return", (Within(_TELL, {"batch.kind": kind}),), scene)
    for family, scene in _RETRIES.items():
        about = _journalling(family)
        yield Point(f"{family}/due", _APPEND, "call", (about,), scene, command="retry")
        yield Point(f"{family}/uncommitted", _COMMIT, "call", (about, _WRITING), scene, command="retry")
        yield Point(f"{family}/committed", _COMMIT, "return", (about, _WRITING), scene, command="retry")
        yield Point(f"{family}/recorded", _APPEND, "return", (about,), scene, command="retry")


def _steps() -> Iterator[Point]:
    """The steps that are no events."""
    lock, sqlite = "reconciler.state.sqlite_file:FileLock", "reconciler.state.sqlite"
    yield Point("lock/wanted", f"{lock}._lock", "call")
    yield Point("lock/taken", f"{lock}._lock", "return")
    yield Point("lock/signed", f"{lock}._write", "return")
    yield Point("lock/kept", f"{lock}.release", "call")
    yield Point("lock/released", f"{lock}.release", "return")
    yield Point("state/absent", f"{sqlite}:_create", "call")
    yield Point("state/half-made", "reconciler.state.identity:establish", "return")
    yield Point("state/made", f"{sqlite}:_create", "return")
    yield Point("state/acquainted", "reconciler.state.identity:record", "return")

    yield Point("send/due", "reconciler.registry.client:ModelArtsRegistry._body", "return")
    yield Point("send/admitted", "reconciler.registry.http_session:HttpSession._log_in", "call")
    yield Point("send/connected", "reconciler.registry.http_session:_Attempt.leave", "call", (_POST,))
    head = "httpcore._async.http11:AsyncHTTP11Connection._receive_response_headers"
    yield Point("send/sent", head, "call", (_POST,))
    yield Point("receive/arrived", "reconciler.registry.vendor:created_id", "call")
    yield Point("receive/read", "reconciler.registry.vendor:created_id", "return")
    yield Point("receive/lost", "reconciler.registry.http_session:_lost", "return", (_POST_LOST,), "lost")

    yield Point("report/due", f"{_LEDGER}.save_report", "call")
    yield Point("report/uncommitted", _COMMIT, "call", (Within(f"{_LEDGER}.save_report"), _WRITING))
    yield Point("report/committed", _COMMIT, "return", (Within(f"{_LEDGER}.save_report"), _WRITING))

    compaction = "reconciler.state.journal"
    compacting = Within("reconciler.state.maintenance:compact")
    steps: tuple[tuple[str, str, Moment, tuple[Within, ...]], ...] = (
        ("due", f"{compaction}:compact", "call", ()),
        ("copied", f"{compaction}:execute_many", "call", ()),
        ("moved", f"{compaction}:_put", "return", ()),
        ("uncommitted", _COMMIT, "call", (compacting, _WRITING)),
        ("committed", _COMMIT, "return", (compacting, _WRITING)),
        ("shrunk", "reconciler.state.database:Database.shrink", "return", ()),
    )
    for name, place, moment, within in steps:
        yield Point(f"archive/{name}", place, moment, within, "past", command="compact")

    index, store = "reconciler.index.store:TargetIndex", "reconciler.index.store:Store"
    for names, scene in ((("absent", "unmade", "made"), "plain"), (("stale", "unmoved", "moved"), "moved")):
        due, uncommitted, committed = (f"index/{name}" for name in names)
        yield Point(due, f"{index}.save", "call", scene=scene)
        yield Point(uncommitted, f"{index}._statements", "end", scene=scene)
        yield Point(committed, f"{store}.write", "return", scene=scene)

    mirror = "reconciler.source.mirror"
    yield Point("mirror/absent", f"{mirror}:Mirror._renew", "call", scene="remote")
    yield Point("mirror/empty", "reconciler.source.bare_repository:make_bare", "return", scene="remote")
    yield Point("mirror/fetched", f"{mirror}:Mirror._fetch", "return", scene="remote")
    yield Point("mirror/made", f"{mirror}:Mirror._renew", "return", scene="remote")
    yield Point("mirror/stale", f"{mirror}:Mirror._update", "call", scene="moved")
    yield Point("mirror/updated", f"{mirror}:Mirror._update", "return", scene="moved")


def _recoveries() -> Iterator[Point]:
    """A second death, while the first is being recovered from."""
    settler = "reconciler.engine.outcomes:Settler"
    unanswered, unsent, late = ("send/sent",), ("intent/committed",), ("unknown/due",)
    adopted, settled = _journalling("adopted"), _journalling("settled-not-made")
    yield Point("recovery/begun", f"{settler}.settle_all", "call", earlier=unanswered)
    yield Point("recovery/looking", f"{settler}._attempt", "call", earlier=unanswered)
    yield Point("recovery/found", f"{settler}._adopt", "call", earlier=unanswered)
    yield Point("recovery/not-listed", f"{settler}._not_listed", "call", scene="gone", earlier=late)
    # a settling look finds it, or the list that follows: whichever comes first once it is shown
    yield Point("recovery/carried-out", _COMMIT, "call", (adopted, _WRITING), "late", earlier=late)
    yield Point("recovery/hidden", f"{settler}._not_listed", "call", scene="hidden", earlier=unanswered)
    yield Point("recovery/shown", _COMMIT, "call", (adopted, _WRITING), "hidden", earlier=unanswered)
    yield Point("recovery/adopting", _COMMIT, "call", (adopted, _WRITING), earlier=unanswered)
    yield Point("recovery/adopted", _COMMIT, "return", (adopted, _WRITING), earlier=unanswered)
    yield Point("recovery/not-found", _COMMIT, "call", (settled, _WRITING), earlier=unsent)
    yield Point("recovery/settled", _COMMIT, "return", (settled, _WRITING), earlier=unsent)
    yield Point("recovery/sent-again", POINTS["send/sent"].place, "call", (_POST,), earlier=unsent)


def _loops() -> Iterator[Point]:
    """The same in the scheduled loop, which follows imports on a clock of its own."""
    intent, status = _journalling("import-requested"), _journalling("published")
    yield Point("loop/ticking", "reconciler.daemon.cycle_job:CycleJob.tick", "call", command="run")
    yield Point("loop/intended", _COMMIT, "return", (intent, _WRITING), command="run")
    yield Point("loop/answered", "reconciler.registry.vendor:created_id", "return", command="run")
    yield Point("loop/following", "reconciler.engine.cycle:Engine.follow_once", "call", command="run")
    yield Point("loop/followed", _COMMIT, "return", (status, _WRITING), command="run")


def _partial() -> Iterator[Point]:
    """Cycles that judge only what may have changed, and the note that there is nothing to judge at all."""
    report, note = Within(f"{_LEDGER}.save_report"), Within(f"{_LEDGER}.mark")
    only = "frozenset({ModelKey(model_name='m3', model_version='1.0.0')})"
    partial = Within("reconciler.engine.remember:remember", {"runs.scope": only})
    moved = "reconciler.index.store:Store.write"
    steps: tuple[tuple[str, str, Moment, tuple[Within, ...]], ...] = (
        ("intended", _COMMIT, "return", (_journalling("import-requested"), _WRITING)),
        ("answered", "reconciler.registry.vendor:created_id", "return", ()),
        ("untold", _COMMIT, "call", (report, partial, _WRITING)),
        ("told", _COMMIT, "return", (report, partial, _WRITING)),
        ("moved", moved, "return", ()),
    )
    for name, place, moment, within in steps:
        yield Point(f"partial/{name}", place, moment, within, "many", command="run")
    yield Point("note/due", f"{_LEDGER}.mark", "call", scene="many")
    yield Point("note/uncommitted", _COMMIT, "call", (note, _WRITING), "many")
    yield Point("note/committed", _COMMIT, "return", (note, _WRITING), "many")


def _of_the_registry() -> Iterator[Point]:
    """The other process dies, around the one thing it keeps."""
    add, written = "reconciler.embedded.store:Store._add", "reconciler.embedded.database:Database._written"
    yield Point("registry/asked", "reconciler.embedded.model:arrive", "call", victim="registry")
    yield Point("registry/unwritten", add, "return", victim="registry")
    yield Point("registry/written", written, "return", victim="registry")


POINTS: dict[str, Point] = {point.name: point for point in (*_events(), *_steps())}
POINTS |= {point.name: point for point in (*_recoveries(), *_loops(), *_partial(), *_of_the_registry())}
FAMILIES = tuple(dict.fromkeys(point.family for point in POINTS.values()))
