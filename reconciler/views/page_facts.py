"""What the pages show, as immutable values; whoever serves them fills them in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.engine.listing import Listing
    from reconciler.engine.values import CommitInfo, ModelState, Report
    from reconciler.engine.vendor import FieldComparison
    from reconciler.manifest import Reason
    from reconciler.views.history import HistoryRow
    from reconciler.views.metrics import Result

Phase = Literal["starting", "running", "stopping"]


@dataclass(frozen=True, slots=True)
class TickSummary:
    """One finished tick.

    Attributes:
        ended_at: timezone-aware.
        message: one line for people, such as why it failed.
    """

    ended_at: datetime
    seconds: float
    result: Result
    message: str | None = None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One target.

    Attributes:
        where: its registry and project, in one line without secrets.
        known_at: when its registry last answered; None when it never did in this process.
    """

    name: str
    where: str
    known_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PageState:
    """What every page shows, at one moment. All times are timezone-aware.

    Attributes:
        report: of the newest finished cycle in numbers, or None.
        next_tick_at: when the schedule looks again, if it does.
        repository, branch: what is followed, in words.
        leader: which process reconciles.
        commit_url: link to a commit, in which `{commit}` is replaced.
        file_url: link to a line of a file, in which `{commit}`, `{path}` and `{line}` are replaced.
        problem: why what is shown may be old, in one line; None while it is not.
        undelivered: one line for each sink that does not take its messages.
        token: another one whenever the pages may say something else; an event tells the newest.
    """

    now: datetime
    version: str
    phase: Phase
    report: Report | None = None
    last_tick: TickSummary | None = None
    last_success_at: datetime | None = None
    next_tick_at: datetime | None = None
    repository: str = ""
    branch: str = ""
    leader: str = ""
    targets: tuple[TargetFacts, ...] = ()
    commit_url: str | None = None
    file_url: str | None = None
    problem: str | None = None
    undelivered: tuple[str, ...] = ()
    token: str = ""


@dataclass(frozen=True, slots=True)
class OverviewFacts:
    """One page of models.

    Attributes:
        models: by model, or by name and version in every target.
        commits: who made the commits that are shown, and when, as far as that is known.
    """

    models: Listing
    commits: Mapping[str, CommitInfo] = field(default_factory=dict)


class ManifestLine(NamedTuple):
    """One line of a manifest, and what is wrong with it."""

    number: int
    text: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ManifestText:
    """A manifest as it was committed.

    Attributes:
        lines: of the document, or of the whole file where it is short; without secrets.
        left_out: how many lines of the document are not shown.
    """

    path: str
    commit: str
    lines: tuple[ManifestLine, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry says beside what git declares.

    Attributes:
        fields: declared beside registered; empty where neither is known.
        read_at: when the registry was asked; None where it could not be, or was not.
        note: why it was not, in one line.
    """

    fields: tuple[FieldComparison, ...] = ()
    read_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model of one target: one version of it, or its name with all versions.

    Attributes:
        version: None for the name.
        items: the verdicts on it; several where manifests or the registry have it more than once.
        versions: every version that is known of the name, newest first, with its verdict if it has one.
        next_free: the first version after the newest that is not used.
        elsewhere: the same name and version in the other targets.
    """

    target: str
    name: str
    version: str | None
    items: tuple[ModelState, ...] = ()
    versions: tuple[tuple[str, ModelState | None], ...] = ()
    next_free: str | None = None
    elsewhere: tuple[ModelState, ...] = ()
    manifest: ManifestText | None = None
    registered: Registered = field(default_factory=Registered)
    timeline: tuple[HistoryRow, ...] = ()
    notes: tuple[str, ...] = ()
