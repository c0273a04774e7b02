"""Values to look at: a report with every verdict, and strategies for hostile ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from reconciler.contract.model_key import ModelKey
from reconciler.engine.listing import Listing, ListingQuery, VerdictTable
from reconciler.engine.values import (
    CommitInfo,
    Difference,
    Event,
    EventKind,
    FileChange,
    ModelState,
    Report,
    TargetFailure,
    Verdict,
)
from reconciler.manifest.values import Reason
from reconciler.printable import is_hidden
from reconciler.views import as_json, html
from reconciler.views.history import Declaration
from reconciler.views.pages import OverviewFacts, PageState, Selection

if TYPE_CHECKING:
    from collections.abc import Iterable

COMMIT = "3f2a9c1d4e5b6a7988990011223344556677aabb"
DIGEST = "ab" * 32
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

DRIFTED = ModelState(
    "local",
    Verdict.DRIFTED,
    "resnet",
    "0.9.0",
    "models.d/resnet.yaml",
    1,
    COMMIT,
    "Ada <ada@example.org>",
    "id-7",
    "published",
    (Reason("drifted", "registered with other content: declare version 0.9.1", "models.d/resnet.yaml", 1),),
    (Difference("description", "a", "b"),),
    since=NOON,
)


def item(verdict: Verdict, name: str = "mnist", version: str = "1.0.0", **facts: Any) -> ModelState:
    """An item of target `local`, declared in a file of its own."""
    defaults: dict[str, Any] = {"target": "local", "path": f"models.d/{name}.yaml", "line": 1}
    return ModelState(verdict=verdict, model_name=name, model_version=version, **defaults | facts)


def report(*items: ModelState, **facts: Any) -> Report:
    """A report of these items."""
    return Report(COMMIT, DIGEST, items, **facts)


def listing_of(items: Iterable[ModelState], query: ListingQuery) -> Listing:
    """One page of these models."""
    numbered = dict(enumerate(items, 1))
    table = VerdictTable(frozenset(item.target for item in numbered.values()))
    table.add(numbered.items())
    selected = table.select(query)
    shown = tuple(numbered[number] for number in selected.numbers)
    return Listing(shown, selected.matching, selected.groups)


def overview_of(report: Report, now: datetime) -> str:
    """The overview of all models of a report."""
    pages = OverviewFacts(listing_of(report.items, ListingQuery()))
    return html.overview(PageState(now, "0", "running", report), Selection(), pages)


def event(kind: EventKind, minutes: int, **facts: Any) -> Event:
    """An event of `local` about mnist@1.0.0, so many minutes after noon."""
    defaults: dict[str, Any] = {"target": "local", "pair": ModelKey("mnist", "1.0.0"), "cycle_id": "cycle-1"}
    return Event(NOON + timedelta(minutes=minutes), kind, **defaults | facts)


def touch(
    commit: str, minutes: int, path: str = "models.d/mnist.yaml", subject: str = "Add mnist"
) -> FileChange:
    """A commit that changed mnist's manifest, so many minutes after noon."""
    made = CommitInfo(commit, "Ada <ada@example.org>", NOON + timedelta(minutes=minutes), subject)
    return FileChange(path, made)


def obeyed(log: str) -> list[str]:
    """Lines that a runner of pipelines takes for commands.

    As actions/runner does (`ActionCommand.TryParseV2`, `TryParse`), and the agent of Azure Pipelines.
    """
    lines = log.split("\n")
    return [line for line in lines if line.lstrip().startswith("::") or re.search(r"##\w*\[", line)]


def hidden(text: str, allowed: str = "\n") -> set[str]:
    """The characters of an output that act or hide instead of showing themselves."""
    return {character for character in text if character not in allowed and is_hidden(character)}


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=())),
    st.lists(
        st.sampled_from(
            [
                *(
                    "\x1b[2J",
                    "\x9b1m",
                    "\x07",
                    "\n",
                    "\r",
                    "\t",
                    "\x00",
                    "\x7f",
                    "\u2028",
                    "\u202e",
                    "\u200b",
                ),
                *(
                    "\ufeff",
                    "\udcff",
                    "\U000e0041",
                    "<script>",
                    "</style>",
                    '"',
                    "'",
                    "&",
                    "|",
                    "`",
                    "```",
                    "~~~",
                ),
                *("\\", "@all", "[x](y)", "<!--", "]]>", "{{", "{%", "中文", "e\u0301", "a", " "),
            ]
        )
    ).map("".join),
)
"""Text that tries to be something else than text."""

_MAYBE = st.none() | HOSTILE
_NUMBER = st.none() | st.integers(0, 10_000)

REASONS = st.builds(
    Reason, HOSTILE, HOSTILE, _MAYBE, _NUMBER, _NUMBER, st.sampled_from(["error", "warning"]), _MAYBE
)
_JSON = st.recursive(
    _NUMBER | HOSTILE | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(HOSTILE, inner, max_size=2),
)
DIFFERENCES = st.builds(Difference, HOSTILE, _JSON, _JSON)
ITEMS = st.builds(
    ModelState,
    HOSTILE,
    st.sampled_from(Verdict),
    *([_MAYBE] * 3),
    _NUMBER,
    *([_MAYBE] * 4),
    st.lists(REASONS, max_size=2).map(tuple),
    st.lists(DIFFERENCES, max_size=2).map(tuple),
)
REPORTS = st.builds(
    Report,
    HOSTILE,
    HOSTILE,
    st.lists(ITEMS, max_size=4).map(tuple),
    st.lists(st.builds(TargetFailure, HOSTILE, HOSTILE), max_size=1).map(tuple),
    st.lists(HOSTILE, max_size=1).map(tuple),
)
_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have none
_PAIRS = st.builds(ModelKey, HOSTILE, HOSTILE)
EVENTS = st.builds(
    Event,
    _MOMENTS,
    st.sampled_from(EventKind),
    HOSTILE,
    _PAIRS,
    HOSTILE,
    commit=_MAYBE,
    model_id=_MAYBE,
    request_id=_MAYBE,
    detail=_MAYBE,
)
_TOUCHES = st.builds(
    FileChange, HOSTILE, st.builds(CommitInfo, HOSTILE, HOSTILE, _MOMENTS, HOSTILE), st.booleans()
)
DECLARED = st.builds(Declaration, HOSTILE, _PAIRS, st.lists(_TOUCHES, max_size=3))


def printed(report: Report) -> str:
    """The object that a command prints of a report, whole."""
    return "".join(as_json.report_pieces(report, len(report.items)))
