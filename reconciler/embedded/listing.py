"""Lists: what a call asks for, and its page, rendered by SQLite where the models lie.

A client that walks through a list asks for one page after the other. So the total and the places where pages
begin are remembered for as long as nothing in the database changes; both are found in an index, and neither
is counted again for each page.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from reconciler.embedded.answers import VendorError
from reconciler.embedded.model import STATUS, general_code
from reconciler.embedded.serializers import list_item

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from reconciler.embedded.settings import EmbeddedSettings


SortKey = Literal["create_at", "model_version", "model_size"]

_ORDER: Mapping[SortKey, tuple[str, ...]] = {
    "create_at": ("created_at", "sequence"),
    "model_version": ("version_rank", "model_name", "sequence"),
    "model_size": ("model_size", "sequence"),
}
_CONDITIONS = {
    "project_id": "project_id = :project_id",
    "workspace_id": "workspace_id = :workspace_id",
    "name": "model_name = :name",
    "name_like": "model_name LIKE :name_like ESCAPE '\\'",
    "description_like": "description LIKE :description_like ESCAPE '\\'",
    "model_version": "model_version = :model_version",
    "model_type": "model_type = :model_type COLLATE NOCASE",
    "not_model_type": "model_type <> :not_model_type COLLATE NOCASE",
    "status": f"{STATUS} = :status",
    "listed_until": "created_at <= :listed_until",
}
_REMEMBERED = 64  # listings


class Listing(NamedTuple):
    """What a list call asks for.

    Attributes:
        filters: which of `_CONDITIONS` a model has to meet, each with its value; a `like` is a pattern of
            SQL's, with the backslash as the escape.
        skip, take: how many matches to pass over, and how many to return.
    """

    filters: tuple[tuple[str, str], ...]
    sort_by: SortKey = "create_at"
    descending: bool = True
    skip: int = 0
    take: int = 1000


_Words = Annotated[str, Field(max_length=512)]


class PageQuery(BaseModel):
    """Which part of a list is asked for."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    offset: int = Field(0, ge=0, le=10**12, description="which page; the first is 0")
    limit: int = Field(1000, ge=1, le=1000, description="records in a page")

    def skip(self, settings: EmbeddedSettings) -> int:
        """How many records stand before the page: nobody publishes whether offset counts pages or items."""
        return self.offset * self.limit if settings.offset_mode == "page" else self.offset


class DeleteQuery(BaseModel):
    """What is deleted beside the model."""

    model_config = ConfigDict(defer_build=True)

    cascade: bool = Field(False, description="other versions of its name, too")


class ListQuery(PageQuery):
    """The filters and the order of a list of models; empty text asks for nothing."""

    model_name: _Words = Field("", description="any part of the name; `_` stands for any character")
    exact_match: bool = Field(False, description="take `_` in model_name literally")
    model_version: _Words = ""
    model_status: Literal["", "publishing", "published", "failed", "building", "building_failed"] = ""
    model_type: _Words = Field("", description="not together with not_model_type")
    not_model_type: _Words = ""
    description: _Words = Field("", description="any part of the description")
    sort_by: SortKey = "create_at"
    order: Literal["asc", "desc"] = "desc"
    workspace_id: _Words = Field("0", description="default: 0")

    def listing(self, project_id: str, settings: EmbeddedSettings) -> Listing:
        """What the store is asked. Raises VendorError."""
        if self.model_type and self.not_model_type:
            raise VendorError(
                general_code(settings), "model_type and not_model_type exclude each other: send one"
            )
        equal = self.exact_match and settings.exact_match == "equal"
        name = self.model_name and _contains(self.model_name, wildcard=not self.exact_match)
        filters = {
            "project_id": project_id,
            "workspace_id": self.workspace_id or "0",
            **({"name": self.model_name} if equal else {"name_like": name}),
            "description_like": self.description and _contains(self.description, wildcard=False),
            "model_version": self.model_version,
            "model_type": self.model_type,
            "not_model_type": self.not_model_type,
            "status": self.model_status,
        }
        given = tuple((name, value) for name, value in filters.items() if value)
        return Listing(given, self.sort_by, self.order == "desc", self.skip(settings), self.limit)


def _contains(words: str, *, wildcard: bool) -> str:
    """A LIKE pattern; `_` stays a wildcard when asked, as in the vendor's unescaped filter."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%")
    if not wildcard:
        escaped = escaped.replace("_", "\\_")
    return f"%{escaped}%"


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page.

    Attributes:
        total: how many match without paging.
        count: how many there are on the page.
        models: their list items as a JSON array.
    """

    total: int
    count: int
    models: str


class _Place(NamedTuple):
    """The first model of a page, in the order of creation."""

    created_at: int
    sequence: int


@dataclass(slots=True)
class _Walk:
    """What is known of one listing while nothing changes.

    Attributes:
        total: how many match; None before they were counted.
        skips, places: where pages begin, ascending.
    """

    total: int | None = None
    skips: list[int] = field(default_factory=list)
    places: list[_Place] = field(default_factory=list)


class Pages:
    """Reads pages; for the database's thread."""

    def __init__(self, connection: sqlite3.Connection, settings: EmbeddedSettings) -> None:
        self._connection = connection
        self._item = list_item(settings)
        self._pending_status = settings.pending_status
        self._hidden = int(settings.faults.visible_after * 1000) if settings.faults else 0
        self._walks: dict[Listing, _Walk] = {}
        self._stamp = (0, 0)

    def page(self, listing: Listing, now: int) -> ListPage:
        """One page.

        Args:
            listing: what is asked for.
            now: milliseconds since the epoch.
        """
        asked: dict[str, Any] = dict(listing.filters)
        if self._hidden:
            asked["listed_until"] = now - self._hidden
        where = " AND ".join(_CONDITIONS[name] for name in asked)
        asked |= {"now": now, "pending_status": self._pending_status}
        asked |= {"skip": listing.skip, "take": listing.take}
        self._connection.execute("BEGIN")  # the total and the page are of one moment
        try:
            return self._page(listing, where, asked)
        finally:
            self._connection.execute("COMMIT")

    def _page(self, listing: Listing, where: str, asked: dict[str, Any]) -> ListPage:
        walk = self._walk(listing)
        if walk.total is None:
            (walk.total,) = self._row(f"SELECT count(*) FROM models WHERE {where}", asked)  # noqa: S608 - fixed text
        if walk.total <= listing.skip:
            return ListPage(walk.total, 0, "[]")
        order = _order(listing)
        if walk.total <= listing.take:
            # Few: found in the narrow index that counted them, not on the way through the list.
            where = f"sequence IN (SELECT sequence FROM models WHERE {where})"  # noqa: S608 - fixed text
        elif listing.skip and listing.sort_by == "create_at":
            asked |= self._place(listing, where, asked, walk)._asdict() | {"skip": 0}
            where += _from(listing)
        items = f"SELECT {self._item} AS item FROM models WHERE {where} ORDER BY {order}"  # noqa: S608 - fixed text
        page = f"SELECT count(*), group_concat(item) FROM ({items} LIMIT :take OFFSET :skip)"  # noqa: S608
        count, models = self._row(page, asked)
        return ListPage(walk.total, count, f"[{models}]")

    def _walk(self, listing: Listing) -> _Walk:
        """What is remembered of a listing, if anything may be."""
        if self._hidden or "status" in dict(listing.filters):
            return _Walk()  # it changes with the clock
        (version,) = self._row("PRAGMA data_version")  # grows with what others write
        stamp = (version, self._connection.total_changes)
        if stamp != self._stamp or len(self._walks) > _REMEMBERED:
            self._stamp, self._walks = stamp, {}
        return self._walks.setdefault(listing._replace(skip=0, take=0), _Walk())

    def _place(self, listing: Listing, where: str, asked: Mapping[str, Any], walk: _Walk) -> _Place:
        """Where a page begins: counted from the nearest beginning known before it."""
        nearest = bisect_right(walk.skips, listing.skip) - 1
        values = {"skip": listing.skip}
        if nearest >= 0:
            values = walk.places[nearest]._asdict() | {"skip": listing.skip - walk.skips[nearest]}
            where += _from(listing)
        order = _order(listing)
        first = f"SELECT created_at, sequence FROM models WHERE {where} ORDER BY {order}"  # noqa: S608 - fixed text
        place = _Place(*self._row(f"{first} LIMIT 1 OFFSET :skip", {**asked, **values}))
        if values["skip"]:
            walk.skips.insert(nearest + 1, listing.skip)
            walk.places.insert(nearest + 1, place)
        return place

    def _row(self, statement: str, values: Mapping[str, Any] | None = None) -> Sequence[Any]:
        row: Sequence[Any] = self._connection.execute(statement, values or {}).fetchone()
        return row


def _order(listing: Listing) -> str:
    direction = "DESC" if listing.descending else "ASC"
    return ", ".join(f"{column} {direction}" for column in _ORDER[listing.sort_by])


def _from(listing: Listing) -> str:
    """The condition that a model does not come before a place."""
    return f" AND (created_at, sequence) {'<=' if listing.descending else '>='} (:created_at, :sequence)"
