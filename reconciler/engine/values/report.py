"""What is true of each model, and what one cycle came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract.model_key import ModelKey, version_key
from reconciler.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.manifest.values import Reason


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

UNDER_WAY = frozenset({Verdict.IMPORT, Verdict.PUBLISHING, Verdict.WAITING})
"""Verdicts of models whose import is to be made or to end: acting and following change them."""

OF_MANIFESTS = frozenset({Verdict.IMPORT, Verdict.DRIFTED, Verdict.CONFLICT, Verdict.INVALID})
"""Verdicts that other manifests would change; the others are of what was imported before, or of a guard."""

AS_DECLARED = frozenset({Verdict.IN_SYNC, Verdict.PUBLISHING})
"""Verdicts of models that are registered with the content that is declared."""

_NEEDS_HUMAN = frozenset(
    {Verdict.INVALID, Verdict.CONFLICT, Verdict.FAILED, Verdict.DRIFTED, Verdict.MISSING}
)


OTHER_CONTENT = "registered with other content"


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
    """A verdict on a model of one target; one whose name is not known goes by its file.

    That a commit is held goes by the commit, too: when another one is, somebody has to hear of it.
    """

    model_name: str | None
    model_version: str | None
    path: str | None
    verdict: Verdict
    commit: str | None = None

    @classmethod
    def of(
        cls, name: str | None, version: str | None, path: str | None, verdict: Verdict, commit: str | None
    ) -> VerdictKey:
        """The key, with nothing of the facts that do not name the verdict."""
        file = path if name is None or version is None else None
        held = commit if name is None and verdict is Verdict.REFUSED else None
        return cls(name, version, file, verdict, held)


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

    def sort_key(self) -> tuple[Any, ...]:
        """The order in which items are shown: target, name, version as numbers, then place."""
        version = version_key(self.model_version or "")
        return self.target, self.model_name or "", version, self.path or "", self.line or 0

    @property
    def verdict_key(self) -> VerdictKey:
        """What names the verdict among those that are remembered of the target."""
        return VerdictKey.of(self.model_name, self.model_version, self.path, self.verdict, self.commit)

    def dated(self, since: datetime | None) -> ModelState:
        """The same verdict, which stands since then; `_replace` takes twice as long, and most are dated."""
        return ModelState(*self[:-2], since, self.next_attempt_at)

    @property
    def title(self) -> str:
        """`name@version` with `?` for what is unknown; where no model but a commit is held, that."""
        if self.model_name is None and self.verdict is Verdict.REFUSED:
            return "newest commit"
        return f"{self.model_name or '?'}@{self.model_version or '?'}"


@dataclass(frozen=True, slots=True)
class IdleMark:
    """A moment at which nothing was left to do.

    Attributes:
        at: when the cycle began that found it so.
        until: from then on there is something to do, whatever happens.
        position: of the journal.
        lists: by target, the digest of its registry's list (see `reconciler.engine.remember`), of those
            targets whose list is looked at each time.
    """

    at: datetime
    until: datetime
    commit: str
    digest: str
    position: int
    numbers: Mapping[Verdict, int]
    lists: Mapping[str, str] = field(default_factory=dict)


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
        confirm: go through the guards if the plan has this digest, and refuse if it has not; None for an
            ordinary cycle.
        expires_at: until when it waits to be taken; UTC.
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


_counted_by = attrgetter("target", "verdict")


@dataclass(frozen=True, slots=True)
class Report:
    """What one cycle saw, or did, for every target.

    Attributes:
        items: sorted by target, name and version (numerically), path and line.
        notes: facts worth a line that are not about one model, such as a dirty work tree.
        unlisted: how many models are not among the items, by target and verdict: those that this cycle had no
            reason to look at.
    """

    commit: str
    digest: str
    # not in the text of a report, which asyncio makes of its main task's result when that ends
    items: tuple[ModelState, ...] = field(repr=False)
    failures: tuple[TargetFailure, ...] = ()
    notes: tuple[str, ...] = ()
    unlisted: Mapping[tuple[str, Verdict], int] = field(default_factory=dict)

    def counted(self) -> Counter[tuple[str, Verdict]]:
        """How many models there are in all, by target and verdict."""
        return Counter(map(_counted_by, self.items)) + Counter(self.unlisted)

    def exit_code(self, *, pending: bool = False) -> Exit:
        """The process's exit code; what stops everything weighs more than what concerns one model.

        `pending` has a code of its own: nothing is wrong, and something declared is not registered yet.
        """
        verdicts = {verdict for _, verdict in self.counted()}
        if self.failures:
            return Exit(max(failure.exit_code for failure in self.failures))
        if Verdict.REFUSED in verdicts:
            return Exit.REFUSED
        if any(verdict.needs_human for verdict in verdicts):
            return Exit.ATTENTION
        is_pending = pending and verdicts & {Verdict.IMPORT, Verdict.WAITING}
        return Exit.PENDING if is_pending else Exit.OK
