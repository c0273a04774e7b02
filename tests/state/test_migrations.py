"""States that earlier versions wrote are brought up to date, whole or not at all."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from reconciler.contract.model_key import ModelKey
from reconciler.errors import StateError
from reconciler.state import SCHEMA_VERSION, check, migrate, open_for_release
from reconciler.state.migrations import scripts
from reconciler.state.peek import peek
from tests.effort import THOROUGH
from tests.forked import Process
from tests.state.conftest import KINDS
from tests.state.leading import open_state
from tests.state.samples import folded, imported
from tests.state.stored import FOLDER
from tests.state.stored.sample import EVENTS, REPORT, TARGET_IDENTITIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.state.conftest import NewUrl

STORED = sorted({file.name.partition(".")[0] for file in FOLDER.glob("*.sql")})
_WITH_VERDICTS = [name for name in STORED if name not in ("v1-bab4c91", "v1-c5ec158", "v1-d7abd29")]


def _where(names: Sequence[str], pooled: Sequence[str]) -> list[tuple[str, str]]:
    """Each kind of database with each of these; a pooler, but for `make thorough`, with few of them."""
    return [(kind, name) for kind in KINDS for name in (names if THOROUGH or kind != "pgbouncer" else pooled)]


def _restore(url: str, name: str) -> str:
    """Fills an empty database with a stored state."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript((FOLDER / f"{name}.sqlite.sql").read_text(encoding="utf-8"))
    else:
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            script = (FOLDER / f"{name}.postgresql.sql").read_text(encoding="utf-8")
            driver: Any = connection.connection.driver_connection
            driver.execute(script)
    return url


def _schema(url: str) -> Any:
    """Every fact that the database itself knows about its tables, without the names of its schemas."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        if url.startswith("sqlite"):
            tables = sorted(inspect(connection).get_table_names())
            facts = [connection.execute(text(f"PRAGMA table_xinfo({name})")).all() for name in tables]
            rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'index'"))
            flags = connection.execute(
                text("SELECT name, ncol, wr, strict FROM pragma_table_list WHERE schema = 'main'")
            )
            return dict(zip(tables, facts, strict=True)), sorted(map(str, rows)), sorted(map(str, flags))
        columns = (
            "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default"
            " FROM information_schema.columns WHERE table_schema = current_schema()"
        )
        indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()"
        descriptions = [sorted(map(str, connection.execute(text(query)))) for query in (columns, indexes)]
        return re.sub(r"(state|pooled)_\d+\.", "", str(descriptions))


def _content(url: str) -> list[Any]:
    """Every row of every table."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        inspector = inspect(connection)
        tables = sorted(inspector.get_table_names(schema=inspector.default_schema_name))
        return [(name, connection.execute(text(f"SELECT * FROM {name}")).all()) for name in tables]  # noqa: S608


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Of new states, by the kind of the database."""
    return {}


@pytest.mark.parametrize(("new_url", "name"), _where(STORED, [STORED[0], STORED[-1]]), indirect=["new_url"])
def test_a_stored_state_is_brought_up_to_date_and_nothing_of_it_is_lost(
    new_url: NewUrl, name: str, schemas: dict[str, Any]
) -> None:
    """Events, entries, targets and the guards' mark are as that version wrote them; it can be written to.

    `status` shows what it showed, wherever verdicts had a table of their own. A table, column or index
    without a migration is seen, and one of another type, order or default.
    """
    url = _restore(new_url(), name)

    with open_state(url, writer=True, target_identities=TARGET_IDENTITIES) as ledger:
        assert ledger.events() == EVENTS
        entries = {(t, pair): entry for t in TARGET_IDENTITIES for pair, entry in ledger.entries(t).items()}
        assert entries == folded(EVENTS)
        assert ledger.marks("") == {"reconciled-commit": "c" * 40}
        if name in _WITH_VERDICTS:
            assert ledger.last_report() == REPORT
        ledger.append([imported("new")])
        assert ledger.events()[-1] == imported("new")
    assert check(url) == ()

    dialect = url.partition(":")[0]
    if dialect not in schemas:
        new = new_url()
        open_state(new, writer=True).close()
        schemas[dialect] = _schema(new)
    assert _schema(url) == schemas[dialect]


def test_each_version_has_a_migration_and_a_stored_state_of_the_one_before() -> None:
    """Raising the number alone, or changing a migration's number, is seen."""
    numbers = [int(script.revision) for script in scripts()]
    assert numbers == list(range(2, SCHEMA_VERSION + 1))
    assert {int(name[1:].partition("-")[0]) for name in STORED} == set(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("name", [STORED[0], STORED[-1]])
def test_a_reader_refuses_an_earlier_version_and_changes_nothing(url: str, name: str) -> None:
    """Both versions are named, and the command that helps; the same for `retry` beside a loop."""
    before = _content(_restore(url, name))

    words = rf"\(schema {name[1]}, needed here: {SCHEMA_VERSION}\).*`reconciler state migrate`"
    with pytest.raises(StateError, match=words):
        open_state(url, writer=False)
    with pytest.raises(StateError, match=words):
        open_for_release(url)
    assert "earlier version" in check(url)[0]
    assert _content(url) == before


@pytest.mark.parametrize("name", STORED)
def test_the_quick_look_before_an_apply_does_not_believe_another_version(sqlite_url: str, name: str) -> None:
    """So that a cycle begins, and with it the migration, although nothing has moved."""
    assert peek(_restore(sqlite_url, name), "reconciled-commit") is None

    migrate(sqlite_url)
    seen = peek(sqlite_url, "reconciled-commit")
    assert seen is not None
    assert seen.note == "c" * 40


def test_a_migration_that_fails_leaves_the_state_as_it_was(url: str) -> None:
    """The journal of an old state was edited: the error names the line, and the tables are the old ones."""
    _restore(url, STORED[0])
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal SET kind = 'invented' WHERE seq = 3"))
    before, schema = _content(url), _schema(url)

    with pytest.raises(StateError, match="line 3 of the journal"):
        open_state(url, writer=True)
    assert (_content(url), _schema(url)) == (before, schema)


def test_two_writers_do_not_migrate_at_once(url: str) -> None:
    """The migration is done under the writer's lock."""
    with open_state(_restore(url, STORED[0]), writer=True), pytest.raises(StateError, match="being written"):
        migrate(url)


# Stops at the n-th statement of the migration, until it is killed; says so first.
_PROGRAM = """
import sys, time
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.effort import THOROUGH
from reconciler.state import migrate

url, number = sys.argv[1], int(sys.argv[2])
seen = 0

@event.listens_for(Engine, "before_cursor_execute")
def wait(connection, cursor, statement, *rest):
    global seen
    if seen or statement.lstrip().startswith(("DELETE", "DROP", "CREATE", "INSERT", "ALTER", "UPDATE")):
        seen += 1
        if seen > number:
            print("here", flush=True)
            time.sleep(600)

migrate(url)
print("done", flush=True)
"""


@pytest.mark.parametrize(
    ("new_url", "name"),
    _where(["v1-bab4c91", "v1-bcfc5b0", "v1-b210e4b"], ["v1-bcfc5b0"]),
    indirect=["new_url"],
)
def test_killed_anywhere_in_a_migration_the_state_is_old_or_new_and_the_next_start_finishes(
    new_url: NewUrl, name: str
) -> None:
    """SIGKILL before some of its statements, in a process of its own, until it is quicker."""
    for number in range(0, 200, 5 if THOROUGH else 15):
        url = _restore(new_url(), name)
        before, schema = _content(url), _schema(url)
        program = [sys.executable, "-c", _PROGRAM, url, str(number)]
        with Process(program, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            word = child.stdout.readline().strip()
            child.kill()
        if word == "here" and (_content(url), _schema(url)) != (before, schema):
            assert check(url) == ()  # it was past the migration itself
        _wait_for_the_lock(url)
        assert check(url) == ()
        with open_state(url, writer=False) as ledger:
            assert ledger.events() == EVENTS
        if word == "done":
            assert number > 10
            return
    pytest.fail("the migration never ended")


def _wait_for_the_lock(url: str) -> None:
    """Migrates; a server may take a moment to notice that its client is gone."""
    for _ in range(200):
        try:
            assert migrate(url) == SCHEMA_VERSION
        except StateError as error:
            if "being written" not in str(error) or url.startswith("sqlite"):
                raise
        else:
            return
    pytest.fail("the lock was never free")


def test_check_names_what_differs_in_tables_columns_types_and_indexes(url: str) -> None:
    """One line for each: too many, of another type, missing; the state opens all the same."""
    open_state(url, writer=True).close()
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in (
            "ALTER TABLE journal ADD COLUMN mood TEXT",
            "ALTER TABLE mark RENAME TO gone",
            "CREATE TABLE mark (target TEXT NOT NULL PRIMARY KEY, name TEXT, value INTEGER NOT NULL)",
            "DROP INDEX ledger_by_path",
            "CREATE INDEX extra ON ledger (author)",
        ):
            connection.execute(text(statement))

    assert check(url) == (
        "the column journal.mood is not this program's",
        "the index ledger_by_path is missing",
        "the index extra is not this program's",
        "the column mark.name is TEXT, and should be TEXT NOT NULL",
        "the column mark.value is INTEGER NOT NULL, and should be TEXT NOT NULL",
        "the primary key of mark is target, and should be target, name",
    )
    open_state(url, writer=False).close()


def test_a_column_that_is_missing_is_named_when_the_state_is_opened(url: str) -> None:
    """Readers and writers alike; nothing is changed."""
    open_state(url, writer=True).close()
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE journal DROP COLUMN actor"))
        connection.execute(text("ALTER TABLE ledger DROP COLUMN code"))

    for writer in (False, True):
        with pytest.raises(StateError, match=r"lacks the column journal\.actor, the column ledger\.code"):
            open_state(url, writer=writer)
    (problem,) = check(url)
    assert "journal.actor" in problem


def test_a_pair_that_was_only_listed_has_no_history_after_the_migration(url: str) -> None:
    """One version journalled what it had only seen in a list, and archived it."""
    _restore(url, "v1-bcfc5b0")
    assert "only-listed" in str(_content(url))

    with open_state(url, writer=True) as ledger:
        assert ledger.events("prod", ModelKey("only-listed", "1.0.0")) == []
    assert "'only-listed', '1.0.0'" not in str(_content(url))
