"""The immutable values that flow through a cycle.

    Snapshot ─▶ Desired ─┐
                         ├─▶ Plan ─▶ Event* ─▶ Entry*, Report
    ObservedModel* ──────┘

Nothing here does I/O, reads a clock or knows which registry, database or git library is in use. What there is
once for each model is a tuple with names, which takes a third of the time of a frozen dataclass to make.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.model_key import ModelKey
from reconciler.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.manifest.values import InvalidManifest, Reason


class Verdict(StrEnum):
    """What is true of one declared or registered model; the same words in every output."""

    IMPORT = "import"
    IN_SYNC = "in-sync"
    PUBLISHING = "publishing"
    WAITING = "waiting"
    FAILED = "failed"
    DRIFTED = "drifted"
    CONFLICT = "conflict"
    INVALID = "invalid"
    MISSING = "missing"
    UNMANAGED = "unmanaged"
    REFUSED = "refused"

    @property
    def needs_human(self) -> bool:
        """Whether nothing will change until somebody acts."""
        return self in _NEEDS_HUMAN

    @property
    def is_held(self) -> bool:
        """Whether the model stays as it is until somebody acts, be it on the model or on a guard."""
        return self.needs_human or self is Verdict.REFUSED


AT_REST = frozenset({Verdict.IN_SYNC, Verdict.UNMANAGED})
"""Verdicts that stay as they are until git or the registry changes."""

_NEEDS_HUMAN = frozenset(
    {Verdict.INVALID, Verdict.CONFLICT, Verdict.FAILED, Verdict.DRIFTED, Verdict.MISSING}
)


# --- git ---------------------------------------------------------------------------------------------


class File(NamedTuple):
    """One tree entry below a target's path.

    Attributes:
        path: path inside the repository, `/`-separated; bytes that are not UTF-8 are surrogate-escaped.
        blob: object id, 40 or 64 hex digits.
        mode: git's octal mode: `100644`, `100755`, `120000` (symlink), `160000` (submodule); or `ambiguous`
            of what the tree names twice, or by a name that no checkout could give it.
        size: bytes; 0 for a submodule.
    """

    path: str
    blob: str
    mode: str
    size: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All files below one path at one commit, sorted by path.

    Attributes:
        commit: commit id.
        path: the directory, without a trailing `/`.
        files: every blob, symlink and submodule below it, at any depth, manifests or not.
        exists: whether the commit has that directory at all.
    """

    commit: str
    path: str
    files: tuple[File, ...]
    exists: bool = True


class CommitInfo(NamedTuple):
    """Which commit, and who made it.

    Attributes:
        author: `Name <email>`.
        authored_at: author date, timezone-aware.
        subject: first line of the message.
    """

    commit: str
    author: str
    authored_at: datetime
    subject: str


class Delta(NamedTuple):
    """What one commit changed in one file, against its first parent.

    Attributes:
        before, after: git's octal mode and the object id, with a space between; None where there is no file.
    """

    path: str
    before: str | None
    after: str | None


class FileChange(NamedTuple):
    """What one commit did to the document that declares a model.

    Attributes:
        path: the file that declares it afterwards; of a deletion, the one that did before.
        deleted: whether the commit took the document out of that file.
        place: of the commit in its branch, see `reconciler.engine.graph.places`.
    """

    path: str
    attribution: CommitInfo
    deleted: bool = False
    place: int = 0


class HistoryUpdate(NamedTuple):
    """What some commits add to the history of a branch that is kept, or all that there is to keep.

    Attributes:
        commits: each with its place, and with who made it where it touched any of the target's files; to be
            gone through once.
        changes: what they did to each model's document.
        is_whole: whether they are all the commits of the branch.
    """

    commits: Iterable[tuple[str, int, CommitInfo | None]]
    changes: Mapping[ModelKey, Sequence[FileChange]]
    is_whole: bool = False


# --- desired and observed ------------------------------------------------------------------------------


class ManifestRef(NamedTuple):
    """One valid document, as far as a plan needs it; a hundred thousand of them are kept at a time.

    Attributes:
        digest: of the import request, see `reconciler.manifest.Manifest`.
        path: file inside the repository.
        line: 1-based line where the document begins.
    """

    pair: ModelKey
    digest: str
    path: str
    line: int
    warnings: tuple[Reason, ...] = ()


class LastCommit(NamedTuple):
    """Who gave a document the content it has: a commit id, and its author as `Name <email>`."""

    commit: str
    author: str


class ParsedFile(NamedTuple):
    """What one manifest file says.

    Attributes:
        blob: the file's object id.
        companions: the files it names as its configuration, each with its object id, or None if it is absent;
            with them changes what the file says.
        last_commits: by line, who gave each of its documents the content it has, as far as it is known.
    """

    path: str
    blob: str
    declarations: tuple[ManifestRef, ...] = ()
    invalid: tuple[InvalidManifest, ...] = ()
    companions: tuple[tuple[str, str | None], ...] = ()
    last_commits: tuple[tuple[int, LastCommit], ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """What one target's manifests say at one commit, of all pairs or of some.

    Attributes:
        manifests: pairs that exactly one valid document declares.
        conflicts: pairs that several valid documents declare, in order of path and line.
        invalid: documents and files that cannot be used.
    """

    manifests: Mapping[ModelKey, ManifestRef]
    conflicts: Mapping[ModelKey, tuple[ManifestRef, ...]] = field(default_factory=dict)
    invalid: tuple[InvalidManifest, ...] = ()


class Stage(StrEnum):
    """How far an import is that was made; each vendor's statuses mean one of these."""

    PENDING = "pending"  # not final
    PUBLISHED = "published"
    FAILED = "failed"


class ObservedModel(NamedTuple):
    """One row of a registry's list.

    Attributes:
        status: the vendor's word, such as `publishing`; None where the list leaves it out.
        created_at: milliseconds since the epoch, or None.
        stage: what the status means.
    """

    model_id: str
    pair: ModelKey
    status: str | None = None
    created_at: int | None = None
    stage: Stage = Stage.PENDING


@dataclass(frozen=True, slots=True)
class Created:
    """The registry's answer to an import that was made.

    Attributes:
        status: the vendor's word for what has just been made.
    """

    model_id: str
    request_id: str | None = None
    status: str | None = None


# --- memory --------------------------------------------------------------------------------------------


class EventKind(StrEnum):
    """What happened to a pair; the journal's words."""

    IMPORT_REQUESTED = "import-requested"  # the intent: on disk before the POST
    IMPORTED = "imported"  # the registry answered with a model_id
    ADOPTED = "adopted"  # found registered and equal
    REJECTED = "rejected"  # documented refusal: certainly not made, held
    POSTPONED = "postponed"  # certainly not made; another attempt is due at `not_before`
    UNKNOWN = "outcome-unknown"  # sent, no usable answer; settled by observing
    EXISTS = "exists"  # the registry says that the pair is taken, and does not list it yet
    ELSEWHERE = "exists-elsewhere"  # the same after the settling wait: certainly not made, held
    NOT_FOUND = "settled-not-made"  # an unknown outcome was settled: nothing was made
    STATUS = "status"  # the registry reports a new, not final, status
    PUBLISHED = "published"
    FAILED = "failed"  # the registry says the import failed
    DRIFTED = "drifted"  # registered with other content
    MISSING = "missing"  # gone from the registry
    RELEASED = "released"  # `retry`: another attempt is allowed
    DELETED = "deleted"  # `retry` removed the registry's failed row


class Stand(NamedTuple):
    """What an entry was when something was asked about it; all None where there was no entry."""

    phase: Phase | None = None
    model_id: str | None = None
    operation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is journalled of an import and remembered of its pair; a column of the state each.

    Attributes:
        operation_id: names the import call.
        digest: of the manifest concerned: of an entry, the one last requested or found equal.
        commit: the commit that declared the manifest (not the head at that time), if known.
        model_status: the vendor's word.
        not_before: earliest time of the next attempt or of the look that settles it, UTC, or None.
        detail: one line for people, or None.
    """

    operation_id: str | None = None
    digest: str | None = None
    commit: str | None = None
    path: str | None = None
    line: int | None = None
    author: str | None = None
    model_id: str | None = None
    model_status: str | None = None
    request_id: str | None = None
    not_before: datetime | None = None
    code: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Event(Facts):
    """One line of the append-only journal. Folding a pair's events in order gives its entry.

    Attributes:
        at: timezone-aware UTC.
        target: the target's name.
        actor: who asked for what led to it, such as `ada@build-7 (retry)`; None for what the loop does by
            itself.
        epoch: of the lease under which it was journalled; None where a file lock stands for the lease. Equal
            events may have been journalled under different ones.
        asked: what the pair's entry was when the question was asked that this event answers: it is journalled
            only while the entry is still that. None journals it in any case. Not stored.
    """

    at: datetime
    kind: EventKind
    target: str
    pair: ModelKey
    cycle_id: str
    actor: str | None = None
    epoch: int | None = field(default=None, compare=False)
    asked: Stand | None = field(default=None, compare=False, repr=False)


class Phase(StrEnum):
    """Where a pair stands in its one import."""

    INTENDED = "intended"  # a POST may have been executed; must be settled
    POSTPONED = "postponed"  # not made, retry scheduled
    REJECTED = "rejected"  # not made, held
    REGISTERED = "registered"  # has a model_id
    RELEASED = "released"  # free for another attempt


@dataclass(frozen=True, slots=True)
class LedgerEntry(Facts):
    """The ledger's row for a (target, pair): the fold of its events.

    Attributes:
        attempts: import requests since the content last changed or was released.
        disappearances: how often the model was found gone from the registry.
        last: the kind of the newest event, so that a standing fact is journalled once.
        stage: what `model_status` means to the target's registry; not stored.
    """

    target: str
    pair: ModelKey
    phase: Phase
    last: EventKind
    updated_at: datetime
    attempts: int = 0
    disappearances: int = 0
    stage: Stage = field(default=Stage.PENDING, compare=False)


def stand(entry: LedgerEntry | None) -> Stand:
    """What is to be the same still when an answer about this entry arrives."""
    return Stand() if entry is None else Stand(entry.phase, entry.model_id, entry.operation_id)


# --- plan and report -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of which git and the registry say different things; any JSON value on either side.

    Attributes:
        field: where in the request, such as `apis[0].url`.
        declared, registered: None where that side does not have the field.
    """

    field: str
    declared: Any
    registered: Any

    def __hash__(self) -> int:  # lists and mappings, which a side may be, have none
        return hash(self.field)


class VerdictKey(NamedTuple):
    """A verdict on a model of one target; one whose name is not known goes by its file."""

    model_name: str | None
    model_version: str | None
    path: str | None
    verdict: Verdict


class ModelState(NamedTuple):
    """The verdict on one model; `None` means unknown or not applicable.

    Attributes:
        reasons: why, most important first; warnings included.
        diff: how what is registered differs from what is declared, when drifted.
        digest: of the manifest concerned; not shown, part of the plan's digest.
        since: when the cycle ran that first gave this verdict, UTC; None before a cycle has recorded it.
        next_attempt_at: UTC, when waiting for a moment.
    """

    target: str
    verdict: Verdict
    model_name: str | None = None
    model_version: str | None = None
    path: str | None = None
    line: int | None = None
    commit: str | None = None
    author: str | None = None
    model_id: str | None = None
    model_status: str | None = None
    reasons: tuple[Reason, ...] = ()
    diff: tuple[Difference, ...] = ()
    digest: str | None = None
    since: datetime | None = None
    next_attempt_at: datetime | None = None

    @property
    def pair(self) -> ModelKey | None:
        """The pair, when both halves of it are known."""
        if self.model_name is None or self.model_version is None:
            return None
        return ModelKey(self.model_name, self.model_version)

    @property
    def verdict_key(self) -> VerdictKey:
        """What names the verdict among those that are remembered of the target."""
        name, version = self.model_name, self.model_version
        return VerdictKey(name, version, self.path if name is None or version is None else None, self.verdict)

    @property
    def title(self) -> str:
        """`name@version` with `?` for what is unknown."""
        return f"{self.model_name or '?'}@{self.model_version or '?'}"


@dataclass(frozen=True, slots=True)
class IdleMark:
    """A moment at which nothing was left to do.

    Attributes:
        at: when the cycle began that found it so.
        until: from then on there is something to do, whatever happens.
        commit: the commit reconciled.
        digest: the plan's.
        position: of the journal.
        numbers: how many models have each verdict.
    """

    at: datetime
    until: datetime
    commit: str
    digest: str
    position: int
    numbers: Mapping[Verdict, int]


class Reconciled(NamedTuple):
    """One time during which a commit was the one reconciled.

    Attributes:
        since: when the first cycle of the commit began, UTC.
        position: the number of the last event before the first cycle of another commit; None while there is
            none.
        until: when that cycle began, UTC; None while there is none.
    """

    commit: str
    since: datetime
    position: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """What a command asks of the process that holds the state: one cycle, now.

    Attributes:
        request_id: names it among others.
        confirm: go through the guards if the plan has this digest, and refuse if it has not; None for an
            ordinary cycle.
        expires_at: until when it waits to be taken; UTC.
        actor: who asks, for the journal.
        target: the one target whose plan `confirm` is about; None for all of them.
    """

    request_id: str
    confirm: str | None
    expires_at: datetime
    actor: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class CycleAnswer:
    """What became of a request.

    Attributes:
        exit_code: of the cycle, as for `apply`.
        message: why there was no cycle; None when there was one, whose report is remembered.
    """

    exit_code: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class TargetFailure:
    """One target that could not be reconciled at all; the others go on."""

    target: str
    message: str
    exit_code: int = Exit.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Report:
    """What one cycle saw, or did, for every target.

    Attributes:
        commit: the commit reconciled.
        digest: the plan's digest, hex.
        items: sorted by target, name and version (numerically), path and line.
        failures: targets that could not be reconciled.
        notes: facts worth a line that are not about one model, such as a dirty work tree.
        unlisted: how many models are not among the items, by target and verdict: those that this cycle had no
            reason to look at.
    """

    commit: str
    digest: str
    items: tuple[ModelState, ...] = field(
        repr=False
    )  # asyncio words the result of its main task when it ends
    failures: tuple[TargetFailure, ...] = ()
    notes: tuple[str, ...] = ()
    unlisted: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)

    def counted(self) -> Counter[tuple[str, Verdict]]:
        """How many models there are in all, by target and verdict."""
        return Counter((item.target, item.verdict) for item in self.items) + Counter(self.unlisted)
