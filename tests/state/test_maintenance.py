"""Looking after a state: check, export and rebuild."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from reconciler.errors import StateError
from reconciler.state import check, export, rebuild
from tests.state.leading import open_state
from tests.state.samples import MNIST, imported, requested


def _execute(url: str, *statements: str) -> None:
    """Edits a state behind the program's back."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _written(url: str) -> None:
    with open_state(url, writer=True) as ledger:
        ledger.append([requested(), imported(), requested("bert"), requested("bert", target="dev")])


def test_a_sound_state_has_no_problems(url: str) -> None:
    """Also while it is being written."""
    _written(url)
    assert check(url) == ()
    with open_state(url, writer=True) as ledger:
        ledger.append([imported("bert")])
        assert check(url) == ()


def test_every_disagreement_between_journal_and_ledger_is_named(url: str) -> None:
    """A changed column, a row too few and a row too many: one line each."""
    _written(url)
    _execute(
        url,
        "UPDATE ledger SET attempts = 9, phase = 'released' WHERE model_name = 'mnist'",
        "DELETE FROM ledger WHERE target = 'dev'",
        "UPDATE ledger SET model_version = '2.0.0' WHERE model_name = 'bert'",
    )

    assert check(url) == (
        "bert@1.0.0 of target dev is in the journal, but not in the ledger",
        "bert@1.0.0 of target prod is in the journal, but not in the ledger",
        "bert@2.0.0 of target prod is in the ledger, but not in the journal",
        "mnist@1.0.0 of target prod: the ledger's phase, attempts is not what the journal says",
    )


def test_rebuilding_makes_the_ledger_what_the_journal_says(url: str) -> None:
    """In one go; a second time there is nothing left to do."""
    _written(url)
    _execute(
        url,
        "UPDATE ledger SET phase = 'released', updated_at = 'x'",
        "DELETE FROM ledger WHERE target = 'dev'",
    )

    assert rebuild(url) == 3
    assert check(url) == ()
    assert rebuild(url) == 0
    with open_state(url, writer=False) as ledger:
        entry = ledger.entry("prod", MNIST)
        assert entry is not None
        assert entry.model_id == imported().model_id


def test_rebuilding_from_an_empty_journal_empties_the_ledger(url: str) -> None:
    """The journal is what counts."""
    _written(url)
    _execute(url, "DELETE FROM journal")

    assert rebuild(url) == 3
    with open_state(url, writer=False) as ledger:
        assert ledger.entries("prod") == {}


def test_rebuilding_what_does_not_exist_is_an_error_and_makes_nothing(tmp_path: Path) -> None:
    """A slip in the path does not become an empty state."""
    with pytest.raises(StateError, match="does not exist"):
        rebuild(f"sqlite:///{tmp_path}/nowhere/state.db")
    assert list(tmp_path.iterdir()) == []


def test_the_export_is_the_journal_as_json_lines(url: str) -> None:
    """Every column by name, in order, unknown values null."""
    _written(url)
    lines = [json.loads(json.dumps(line)) for line in export(url)]

    assert [(line["kind"], line["target"], line["model_name"]) for line in lines] == [
        ("import-requested", "prod", "mnist"),
        ("imported", "prod", "mnist"),
        ("import-requested", "prod", "bert"),
        ("import-requested", "dev", "bert"),
    ]
    assert lines[0]["at"] == "2026-11-23T12:00:00.123456+00:00"
    assert lines[0]["model_id"] is None
    assert lines[1]["not_before"] == "2026-11-23T13:00:00.123456+00:00"
    assert sorted(line["seq"] for line in lines) == [line["seq"] for line in lines]


def test_an_export_given_up_half_way_holds_nothing_open(sqlite_url: str) -> None:
    """`reconciler state export | head` leaves no lock and no file."""
    _written(sqlite_url)
    lines = export(sqlite_url)
    next(lines)
    lines.close()  # type: ignore[attr-defined]

    names = {path.name for path in Path(sqlite_url.removeprefix("sqlite:///")).parent.iterdir()}
    assert names == {".gitignore", "state.db", "state.db.lock"}


def test_a_state_that_cannot_be_opened_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    """`check` says what opening would say; `export` raises it."""
    (tmp_path / "state.db").write_bytes(b"garbage" * 1000)
    url = f"sqlite:///{tmp_path}/state.db"

    (problem,) = check(url)
    assert "damaged or is not a state" in problem
    with pytest.raises(StateError, match="damaged or is not a state"):
        list(export(url))


def test_a_damaged_index_is_found(sqlite_url: str) -> None:
    """The database's own check is part of ours."""
    _written(sqlite_url)
    database = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    with database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'mark') "
            "WHERE name = 'journal_by_pair'"
        )
    database.close()

    assert any(
        "the database file is damaged" in problem or "is damaged" in problem for problem in check(sqlite_url)
    )


def test_an_unreadable_line_is_a_problem(url: str) -> None:
    """It is named by its number."""
    _written(url)
    _execute(url, "UPDATE journal SET at = 'soon' WHERE kind = 'imported'")

    (problem,) = check(url)
    assert "of the journal is not what this program writes" in problem
    with pytest.raises(StateError, match="of the journal"):
        list(export(url))
