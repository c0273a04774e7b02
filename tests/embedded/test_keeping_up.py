"""That many calls cost little: counted in transactions, statements and steps of SQLite, not in time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bench.preloading import preload
from reconciler.embedded import EmbeddedSettings, create_app
from reconciler.embedded.database import Database
from reconciler.errors import ConfigurationError
from tests.embedded.samples import PROJECT, request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.embedded.application import EmbeddedRegistry

_MODELS = f"/v1/{PROJECT}/models"
_STEPS = 50  # of SQLite's machine, between two looks at how many there were


@contextmanager
def opened(settings: EmbeddedSettings) -> Iterator[EmbeddedRegistry]:
    """A registry in this process."""
    app = create_app(settings)
    try:
        yield app
    finally:
        app.state.close()


def client(app: EmbeddedRegistry) -> httpx.AsyncClient:
    """A client of it, without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://registry")


@contextmanager
def statements(app: EmbeddedRegistry) -> Iterator[list[str]]:
    """What the registry asks of its database while the block runs."""
    asked: list[str] = []
    connection: sqlite3.Connection = app.state.parts.database.connection
    connection.set_trace_callback(asked.append)
    try:
        yield asked
    finally:
        connection.set_trace_callback(None)


@contextmanager
def steps(app: EmbeddedRegistry) -> Iterator[list[int]]:
    """How many steps SQLite takes while the block runs, in the only element."""
    taken = [0]
    connection: sqlite3.Connection = app.state.parts.database.connection

    def look() -> None:
        taken[0] += _STEPS

    connection.set_progress_handler(look, _STEPS)
    try:
        yield taken
    finally:
        connection.set_progress_handler(None, _STEPS)


def filled(database: Path, models: int) -> EmbeddedSettings:
    """Settings of a registry that holds that many models, each of another name, one a millisecond."""
    ticks = (1_700_000_000 + number / 1000 for number in range(models))
    settings = EmbeddedSettings(database=database, publish_seconds=0, clock=lambda: next(ticks))
    assert preload(settings, PROJECT, (request(f"m{number:06}") for number in range(models))) == models
    return EmbeddedSettings(database=database, publish_seconds=0)


async def listed(calls: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    """One page."""
    answer = await calls.get(_MODELS, params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


def test_a_crowd_of_imports_shares_its_transactions(tmp_path: Path) -> None:
    """64 at once take two transactions at most; each import is on disk when it is answered."""

    async def post(calls: httpx.AsyncClient, number: int) -> tuple[str, int]:
        answer = await calls.post(_MODELS, json=request(f"m{number}"))
        with closing(sqlite3.connect(tmp_path / "r.db")) as other:
            count = "SELECT count(*) FROM models WHERE model_name = ?"
            row = other.execute(count, (f"m{number}",)).fetchone()
        return answer.json()["model_id"], row[0]

    async def crowd(app: EmbeddedRegistry) -> list[tuple[str, int]]:
        async with client(app) as calls:
            return await asyncio.gather(*(post(calls, number) for number in range(64)))

    with opened(EmbeddedSettings(database=tmp_path / "r.db")) as app:
        with statements(app) as asked:
            answers = asyncio.run(crowd(app))
        assert asked.count("COMMIT") == asked.count("BEGIN IMMEDIATE") <= 2
    assert len({model_id for model_id, _ in answers}) == 64
    assert {rows for _, rows in answers} == {1}


def test_a_refusal_undoes_nothing_for_those_in_the_same_transaction(tmp_path: Path) -> None:
    """Of each pair sent twice one is taken; over the quota nothing is."""

    async def crowd(app: EmbeddedRegistry) -> list[int]:
        async with client(app) as calls:
            posts = (calls.post(_MODELS, json=request(f"m{number // 2}")) for number in range(64))
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    with opened(EmbeddedSettings(database=tmp_path / "r.db", quota=20)) as app:
        statuses = asyncio.run(crowd(app))
        assert [statuses.count(status) for status in (200, 409, 400)] == [20, 20, 24]
        (held,) = app.state.parts.database.connection.execute("SELECT count(*) FROM models").fetchone()
    assert held == 20


def test_when_a_transaction_fails_everybody_in_it_is_told_that_nothing_was_registered(tmp_path: Path) -> None:
    """Here the disk is full; what was answered with an id is there, and nothing else is."""

    async def crowd(app: EmbeddedRegistry) -> tuple[list[httpx.Response], set[str]]:
        async with client(app) as calls:
            posts = (
                calls.post(_MODELS, json=request(f"m{number}", model_algorithm="a" * 200))
                for number in range(64)
            )
            answers = await asyncio.gather(*posts)
            page = await listed(calls)
            return answers, {item["model_id"] for item in page["models"]}

    with opened(EmbeddedSettings(database=tmp_path / "r.db")) as app:
        connection = app.state.parts.database.connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")
        answers, registered = asyncio.run(crowd(app))
    refusals = [answer for answer in answers if answer.status_code != 200]
    assert {answer.json()["error_code"] for answer in refusals} == {"ModelArts.3006"}
    assert {answer.json()["model_id"] for answer in answers if answer.status_code == 200} == registered


def test_an_import_whose_caller_goes_away_is_finished_and_disturbs_nobody(tmp_path: Path) -> None:
    """As the vendor's: a timeout tells nothing. Here both wait for another program's transaction."""

    async def crowd(app: EmbeddedRegistry, other: sqlite3.Connection) -> tuple[int, list[str]]:
        async with client(app) as calls:
            gone, stays = (
                asyncio.create_task(calls.post(_MODELS, json=request(name))) for name in ("gone", "stays")
            )
            for _ in range(100):  # turns of the loop, far more than a call takes to come to the database
                await asyncio.sleep(0)
            gone.cancel()
            other.execute("ROLLBACK")
            answer = await stays
            page = await listed(calls, order="asc")
            return answer.status_code, [item["model_name"] for item in page["models"]]

    with opened(EmbeddedSettings(database=tmp_path / "r.db")) as app, closing(_holding(tmp_path)) as other:
        assert asyncio.run(crowd(app, other)) == (200, ["gone", "stays"])


def _holding(folder: Path) -> sqlite3.Connection:
    """Another program that has begun to write."""
    other = sqlite3.connect(folder / "r.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_closed_database_says_so() -> None:
    """Nobody waits for an answer that will not come."""

    async def ask(database: Database) -> None:
        await database.read(database.check)

    database = Database(None)
    database.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        asyncio.run(ask(database))


def test_a_walk_through_a_list_counts_it_once_and_every_page_costs_the_same(tmp_path: Path) -> None:
    """The same number of statements and about as many steps for each page, wherever it begins."""

    async def walk(app: EmbeddedRegistry, order: str) -> list[tuple[int, int]]:
        costs = []
        async with client(app) as calls:
            for offset in range(40):
                with statements(app) as asked, steps(app) as taken:
                    page = await listed(calls, order=order, limit=50, offset=offset)
                assert (page["total_count"], page["count"]) == (2000, 50)
                costs.append((sum(each.startswith("SELECT") for each in asked), taken[0]))
        return costs

    for order in ("asc", "desc"):
        with opened(filled(tmp_path / f"{order}.db", 2000)) as app:
            (first, *others) = asyncio.run(walk(app, order))
        assert first[0] == 2  # the total, and the page
        assert {selects for selects, _ in others} == {2}  # where the page begins, and the page
        taken = [of_page for _, of_page in others]
        assert max(taken) <= 1.2 * min(taken)


def test_a_page_of_a_thousand_models_is_one_statement_and_one_row(tmp_path: Path) -> None:
    """SQLite writes its JSON, which is what a page costs; the other statement counts."""

    async def look(app: EmbeddedRegistry) -> tuple[int, int, list[str]]:
        async with client(app) as calls:
            with statements(app) as asked:
                page = await listed(calls, limit=1000)
            return page["total_count"], len(page["models"]), asked

    with opened(filled(tmp_path / "r.db", 1500)) as app:
        total, count, asked = asyncio.run(look(app))
    assert (total, count) == (1500, 1000)
    assert sum(each.startswith("SELECT") for each in asked) == 2


@pytest.mark.parametrize(
    "query",
    [{"model_name": "m000007", "exact_match": "true", "model_version": "1.0.7"}, {"model_version": "1.0.7"}],
)
def test_a_name_and_version_are_found_in_an_index(tmp_path: Path, query: dict[str, str]) -> None:
    """Ten times the models take no more steps."""

    async def look(app: EmbeddedRegistry) -> tuple[int, int]:
        async with client(app) as calls:
            with steps(app) as taken:
                page = await listed(calls, **query)
            return page["total_count"], taken[0]

    taken = []
    for models in (50, 500):
        settings = EmbeddedSettings(database=tmp_path / f"{models}.db")
        preload(settings, PROJECT, (request(f"m{n:06}", f"1.{n // 50}.{n % 50}") for n in range(models)))
        with opened(settings) as app:
            total, cost = asyncio.run(look(app))
        assert total == 1
        taken.append(cost)
    assert taken[1] <= taken[0] + _STEPS


def test_a_preloaded_model_is_as_one_that_was_imported(tmp_path: Path) -> None:
    """In the list and in the detail, but for its id; a taken pair is refused afterwards."""
    body = request("m", "1.2.3", description="d", model_metrics='{"f1": 0.5}')

    async def shown(app: EmbeddedRegistry) -> tuple[dict[str, Any], dict[str, Any]]:
        async with client(app) as calls:
            (item,) = (await listed(calls))["models"]
            detail = (await calls.get(f"{_MODELS}/{item.pop('model_id')}")).json()
            assert (await calls.post(_MODELS, json=body)).status_code == 409
            del detail["model_id"]
            return item, detail

    async def imported(app: EmbeddedRegistry) -> None:
        async with client(app) as calls:
            await calls.post(_MODELS, json=body)

    views = []
    for name in ("preloaded", "imported"):
        settings = EmbeddedSettings(database=tmp_path / name, clock=lambda: 1_800_000_000.0)
        if name == "preloaded":
            assert preload(settings, PROJECT, [body]) == 1
        with opened(settings) as app:
            if name == "imported":
                asyncio.run(imported(app))
            views.append(asyncio.run(shown(app)))
    assert views[0] == views[1]


def test_a_registry_in_memory_is_not_preloaded() -> None:
    """It would be gone at once."""
    with pytest.raises(ConfigurationError, match="name a database file"):
        preload(EmbeddedSettings(), PROJECT, [request()])
