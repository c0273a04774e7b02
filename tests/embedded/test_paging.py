"""Pages, whatever is remembered of a list while it is walked through and changed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.embedded import EmbeddedSettings
from reconciler.embedded.database import Database
from reconciler.embedded.listing import Listing, Pages
from reconciler.embedded.model import Model, insert
from tests.effort import examples

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_LATER = 10_000

_MODEL = Model(
    model_id="",
    project_id="p",
    workspace_id="0",
    model_name="m",
    model_version="1.0.0",
    version_rank=10_000,
    model_type="TensorFlow",
    model_size=0,
    description="",
    source_type="",
    source_copy=None,
    install_type=None,
    owner="o",
    tenant="t",
    created_at=0,
    built_at=None,
    settled_at=0,
    outcome="published",
    outcome_reason=None,
    request_id="r",
    request="{}",
)


@dataclass(frozen=True)
class Added:
    """Somebody imports a model; few moments, so that many are of the same."""

    name: str
    created_at: int
    by_another_program: bool


@dataclass(frozen=True)
class Deleted:
    """Somebody deletes one of the models there are."""

    which: int
    by_another_program: bool


_ALL = (("project_id", "p"), ("workspace_id", "0"))
_EVENTS = (
    st.builds(Added, st.sampled_from(["a", "b", "ab"]), st.integers(0, 3), st.booleans())
    | st.builds(Deleted, st.integers(0, 50), st.booleans())
    | st.builds(
        Listing,
        filters=st.sampled_from([_ALL, (*_ALL, ("name_like", "%a%"))]),
        sort_by=st.sampled_from(["create_at", "create_at", "model_version"]),
        descending=st.booleans(),
        skip=st.integers(0, 12),
        take=st.integers(1, 5),
    )
)


class Shelf:
    """The same registry as a list in memory, and as two connections to one file."""

    def __init__(self, database: Database, other: sqlite3.Connection) -> None:
        self.models: list[tuple[int, Model]] = []
        self._own = database.connection
        self._other = other
        self._added = 0

    def carry_out(self, event: Added | Deleted) -> None:
        """Does it in both."""
        connection = self._other if event.by_another_program else self._own
        if isinstance(event, Added):
            self._added += 1
            model = replace(
                _MODEL,
                model_id=str(self._added),
                model_name=event.name,
                version_rank=self._added * 7 % 5,
                model_version=str(self._added),
                created_at=event.created_at,
            )
            insert(connection, [model])
            cursor = self._own.execute("SELECT sequence FROM models WHERE model_id = ?", (model.model_id,))
            self.models.append((cursor.fetchone()[0], model))
        elif self.models:
            _, model = self.models.pop(event.which % len(self.models))
            connection.execute("DELETE FROM models WHERE model_id = ?", (model.model_id,))

    def expected(self, listing: Listing) -> tuple[int, list[str]]:
        """The total and the ids of a page."""

        def key(entry: tuple[int, Model]) -> tuple[Any, ...]:
            sequence, model = entry
            if listing.sort_by == "create_at":
                return model.created_at, sequence
            return model.version_rank, model.model_name, sequence

        matching = [entry for entry in self.models if listing.filters == _ALL or "a" in entry[1].model_name]
        ordered = [model.model_id for _, model in sorted(matching, key=key, reverse=listing.descending)]
        return len(ordered), ordered[listing.skip : listing.skip + listing.take]


@given(events=st.lists(_EVENTS, max_size=40))
@settings(max_examples=examples(200), deadline=None)
def test_every_page_is_that_of_the_list_as_it_is_now(
    events: list[Added | Deleted | Listing], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever came before: other pages, other listings, changes by this program or by another."""
    path: Path = tmp_path_factory.mktemp("pages") / "r.db"
    database = Database(path)
    with closing(database), closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA synchronous = OFF")
        database.connection.execute("PRAGMA synchronous = OFF")
        shelf, pages = Shelf(database, other), Pages(database.connection, EmbeddedSettings())
        for event in events:
            if isinstance(event, Listing):
                page = pages.page(event, _LATER)
                ids = [item["model_id"] for item in json.loads(page.models)]
                assert (page.total, ids) == shelf.expected(event)
                assert page.count == len(ids)
            else:
                shelf.carry_out(event)


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@settings(deadline=None)
def test_a_list_item_tells_any_text_as_it_was_sent(text: str) -> None:
    """Quotes, controls, other scripts; in the description and in an unusual word for the status."""
    database = Database(None)
    with closing(database):
        pages = Pages(database.connection, EmbeddedSettings(pending_status=text))
        model = replace(
            _MODEL, description=text, source_copy="true", install_type='["batch"]', settled_at=_LATER
        )
        insert(database.connection, [model])
        (item,) = json.loads(pages.page(Listing(_ALL), 0).models)
        assert (item["description"], item["model_status"]) == (text, text)
        assert (item["source_copy"], item["install_type"]) == ("true", ["batch"])
