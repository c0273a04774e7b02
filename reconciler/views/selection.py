"""What a visitor asked to see, as the query of an address says it, and the addresses of other pages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from reconciler.engine.listing import ATTENTION_ORDER, ListingQuery, Sorting
from reconciler.engine.values import AT_REST, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

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
