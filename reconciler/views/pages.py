"""What a visitor asks of the pages, and what they show, as immutable values.

A question is the query of an address, and so are links to other pages. Whoever serves them fills in the rest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import quote, urlencode

from reconciler.engine.listing import ATTENTION_ORDER, ListingQuery, Sorting
from reconciler.engine.values import AT_REST, Verdict

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

ROWS = 50
"""Models on one page."""

_LONGEST_TEXT = 200  # characters
_MOST_PAGES = 1_000_000

GROUPS: dict[str, frozenset[Verdict]] = {
    "needs-you": frozenset(verdict for verdict in Verdict if verdict.is_held),
    "moving": frozenset(verdict for verdict in Verdict if not verdict.is_held) - AT_REST,
    "at-rest": AT_REST,
}
"""Words for several verdicts, in the order in which they are shown."""


def group_of(verdict: Verdict) -> str:
    """The word of the group that a verdict belongs to."""
    return next(word for word, verdicts in GROUPS.items() if verdict in verdicts)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a visitor asked to see; what makes no sense is ignored.

    Attributes:
        verdict: a verdict, or a word of `GROUPS`; empty for all.
        sort: a word of `Sorting`, with `-` before it for the other way round.
        view: `matrix` for names and versions by target; empty for a list.
        page: from 1.
        refresh: `off` leaves the reader alone.
    """

    q: str = ""
    verdict: str = ""
    target: str = ""
    sort: str = ""
    view: str = ""
    page: int = 1
    refresh: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Selection:
        """The selection that the query of an address asks for."""
        verdict, view = query.get("verdict", ""), query.get("view", "")
        sort, page = query.get("sort", ""), query.get("page", "1")
        is_verdict = verdict in GROUPS or verdict in set(Verdict)
        is_page = page.isascii() and page.isdigit() and len(page) <= len(str(_MOST_PAGES))
        return cls(
            " ".join(query.get("q", "")[:_LONGEST_TEXT].split()),
            verdict if is_verdict else "",
            query.get("target", "")[:_LONGEST_TEXT],
            sort if sort.removeprefix("-") in set(Sorting) else "",
            view if view == "matrix" else "",
            max(int(page), 1) if is_page else 1,
            "off" if query.get("refresh") == "off" else "",
        )

    @property
    def sorting(self) -> Sorting:
        """By what the models are ordered."""
        return Sorting(self.sort.removeprefix("-") or Sorting.ATTENTION)

    @property
    def descending(self) -> bool:
        """Whether the other way round."""
        return self.sort.startswith("-")

    @property
    def verdicts(self) -> frozenset[Verdict]:
        """The verdicts that are meant; none for all."""
        if self.verdict in GROUPS:
            return GROUPS[self.verdict]
        return frozenset(verdict for verdict in ATTENTION_ORDER if verdict == self.verdict)

    @property
    def listing(self) -> ListingQuery:
        """The query that this comes to."""
        offset = (self.page - 1) * ROWS
        return ListingQuery(
            self.q, self.verdicts, self.target, self.sorting, self.descending, offset=offset, limit=ROWS
        )

    def link(self, **changes: str | int) -> str:
        """The query that leads to a changed selection: to its first page where none is given."""
        values = asdict(self) | {"page": 1} | changes
        shown = {key: value for key, value in values.items() if value and (key, value) != ("page", 1)}
        return "?" + urlencode(shown, errors="replace")


def model_link(target: str, name: str, version: str | None) -> str:
    """The address of a model's page, below the overview's."""
    parts = ("models", target, name, *([version] if version else []))
    return "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)


# --- what is shown ---------------------------------------------------------------------------------------


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
