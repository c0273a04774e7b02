"""Opening a SQLite state: what is made, what is refused, and that nothing refused is touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from reconciler import state
from reconciler.errors import StateError
from reconciler.state import SCHEMA_VERSION, check, open_journal, rebuild
from tests.state.leading import open_state
from tests.state.remembering import remember
from tests.state.samples import MNIST, imported, report, requested


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _refused(url: str, match: str) -> None:
    """Each way of opening is refused with these words and a remedy, and the file stays as it is."""
    before = _file(url).read_bytes()
    for way in (partial(open_state, writer=False), partial(open_state, writer=True), open_journal):
        with pytest.raises(StateError, match=match) as refusal, way(url):
            pass
        assert str(_file(url)) in str(refusal.value)
        assert "state.url" in str(refusal.value) or "move it away" in str(refusal.value)
    assert _file(url).read_bytes() == before


def _written(url: str) -> Path:
    with open_state(url, writer=True) as ledger:
        for number in range(50):
            ledger.append([requested(f"model-{number}"), imported(f"model-{number}")])
    return _file(url)


def test_importing_the_room_does_not_load_sqlalchemy() -> None:
    """`--help` and `validate` stay quick."""
    program = "import sys, reconciler.state as s; s.__all__; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_room_shows_these_names_and_no_others() -> None:
    """What is imported lazily is there all the same, and a slip is an ordinary AttributeError."""
    assert sorted(state.__all__) == [
        "JournalReader",
        "SqlLedger",
        "check",
        "compact",
        "export",
        "migrate",
        "open_for_release",
        "open_journal",
        "open_state",
        "rebuild",
        "require_state",
    ]
    assert all(callable(getattr(state, name)) for name in state.__all__)
    with pytest.raises(AttributeError, match="no attribute 'open_stat'"):
        _ = state.open_stat


def test_a_new_directory_is_the_owners_and_unseen_by_git(tmp_path: Path) -> None:
    """The topmost directory made ignores itself; the database is for its owner only."""
    open_state(f"sqlite:///{tmp_path}/.reconciler/deep/state.db", writer=True).close()

    made = tmp_path / ".reconciler"
    assert (made / ".gitignore").read_text() == "*\n"
    assert not (made / "deep" / ".gitignore").exists()
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE((made / "deep" / "state.db").stat().st_mode) == 0o600
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    status = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, check=True)
    assert status.stdout == b""


def test_a_directory_that_was_there_is_left_as_it_was(tmp_path: Path) -> None:
    """No .gitignore appears in a directory somebody else made."""
    open_state(f"sqlite:///{tmp_path}/state.db", writer=True).close()

    assert {path.name for path in tmp_path.iterdir()} == {"state.db", "state.db.lock"}


def test_reading_a_state_that_does_not_exist_makes_nothing(tmp_path: Path) -> None:
    """It is empty, and neither file nor directory appears."""
    url = f"sqlite:///{tmp_path}/.reconciler/state.db"
    with open_state(url, writer=False, target_identities={"prod": "there"}) as ledger:
        assert ledger.entries("prod") == {}
        assert ledger.entry("prod", MNIST) is None
        assert ledger.events() == []
        assert ledger.last_report() is None
        assert ledger.marks("prod") == {}
    with open_journal(url) as journal:
        assert journal.events() == []
    assert check(url) == ()
    assert list(tmp_path.iterdir()) == []


def test_reading_a_closed_state_leaves_no_file_behind(sqlite_url: str) -> None:
    """SQLite's own files beside it are gone again, too."""
    before = set(_written(sqlite_url).parent.iterdir())
    with open_state(sqlite_url, writer=False) as ledger:
        assert len(ledger.events()) == 100
    with open_journal(sqlite_url) as journal:
        assert len(journal.events()) == 100

    assert set(_file(sqlite_url).parent.iterdir()) == before


def test_names_that_mean_something_in_a_url_are_only_names(tmp_path: Path) -> None:
    """A percent sign, a hash, spaces and letters of any alphabet."""
    url = f"sqlite:///{tmp_path}/100% #1 état 模型/state.db"
    open_state(url, writer=True).close()

    assert (tmp_path / "100% #1 état 模型" / "state.db").is_file()


def test_two_names_of_one_file_are_one_state(tmp_path: Path) -> None:
    """A symbolic link leads to the same lock."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with (
        open_state(f"sqlite:///{tmp_path}/real/state.db", writer=True),
        pytest.raises(StateError, match="being written by process"),
    ):
        open_state(f"sqlite:///{tmp_path}/link/state.db", writer=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "state.db",
        "mysql://u:hunter2@h/db",
        "postgresql+asyncpg://u:hunter2@h/db",
        "sqlite+aiosqlite:///state.db",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file:state.db",
        "sqlite:///state.db?password=hunter2",
        "sqlite://host/state.db",
        "postgresql+psycopg://u:hunter2@h:port/db",
        "sqlite:///a\0b",
        "\x1b[31m://x",
    ],
)
def test_a_url_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    """The message shows the two forms that work, no password and no control character."""
    for use in (lambda: open_state(url, writer=True), lambda: check(url)):
        with pytest.raises(StateError, match=r"sqlite:///path/to/state\.db") as refusal:
            use()
        assert "hunter2" not in str(refusal.value)
        assert str(refusal.value).isprintable()


def test_garbage_is_refused(tmp_path: Path) -> None:
    """A file that is no database at all."""
    (tmp_path / "state.db").write_bytes(b"\x1b[31mnot a database\n" * 1000)
    _refused(f"sqlite:///{tmp_path}/state.db", "damaged or is not a state")
    assert len(check(f"sqlite:///{tmp_path}/state.db")) == 1


@pytest.mark.parametrize("kept", [0, 1, 100, 4096, 0.5, 0.99])
def test_a_truncated_state_is_refused(sqlite_url: str, kept: float) -> None:
    """At any length, from nothing to nearly everything."""
    file = _written(sqlite_url)
    size = file.stat().st_size
    os.truncate(file, int(kept if kept >= 1 or kept == 0 else size * kept))

    _refused(sqlite_url, r"damaged or is not a state|is empty or belongs to another program")
    assert check(sqlite_url) != ()


def test_a_state_with_a_damaged_page_is_not_written_to(sqlite_url: str) -> None:
    """Noise over the tables in the middle of the file: found before anything is added to it."""
    file = _written(sqlite_url)
    content = bytearray(file.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    file.write_bytes(content)

    with pytest.raises(StateError, match="damaged"):
        open_state(sqlite_url, writer=True)
    assert file.read_bytes() == content
    assert check(sqlite_url) != ()


@pytest.mark.parametrize("statement", ["CREATE TABLE notes (a)", "CREATE TABLE meta (key, worth)", "VACUUM"])
def test_another_programs_database_is_refused(tmp_path: Path, statement: str) -> None:
    """Whatever tables it has, it is not turned into a state."""
    with sqlite3.connect(tmp_path / "state.db") as other:
        other.execute(statement)
    other.close()

    _refused(f"sqlite:///{tmp_path}/state.db", "empty or belongs to another program")


@pytest.mark.parametrize("version", [str(SCHEMA_VERSION + 1), "99", "", "one"])
def test_a_state_of_a_newer_version_is_refused(sqlite_url: str, version: str) -> None:
    """Older programs do not guess what newer ones meant."""
    file = _written(sqlite_url)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [version])
    database.close()

    _refused(sqlite_url, "newer version")


def test_a_state_without_one_of_its_tables_is_refused(sqlite_url: str) -> None:
    """The message names the table."""
    with sqlite3.connect(_written(sqlite_url)) as database:
        database.execute("DROP TABLE journal")
    database.close()

    _refused(sqlite_url, "lacks its table 'journal'")


def test_a_directory_in_the_files_place_is_refused(tmp_path: Path) -> None:
    """Reading and writing alike."""
    (tmp_path / "state.db").mkdir()
    for writer in (False, True):
        with pytest.raises(StateError, match="is a directory"):
            open_state(f"sqlite:///{tmp_path}/state.db", writer=writer)


def test_a_pipe_in_the_files_place_is_refused_at_once(tmp_path: Path) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(tmp_path / "state.db")
    with pytest.raises(StateError, match="a device or a pipe"):
        open_state(f"sqlite:///{tmp_path}/state.db", writer=True)


def test_a_file_in_the_directorys_place_is_refused(tmp_path: Path) -> None:
    """The message says which kind of thing is in the way."""
    (tmp_path / "file").touch()
    for writer in (False, True):
        with pytest.raises(StateError, match="a part of its path is a file"):
            open_state(f"sqlite:///{tmp_path}/file/state.db", writer=writer)


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """Without a traceback."""
    with pytest.raises(StateError, match="too long"):
        open_state(f"sqlite:///{tmp_path}/{'x' * 300}", writer=True)


def test_what_a_deleted_state_left_behind_is_not_replayed_into_the_new_one(sqlite_url: str) -> None:
    """The database is deleted, its write-ahead log and a half-made successor are not."""
    ledger = open_state(sqlite_url, writer=True)
    ledger.append([requested()])
    file = _file(sqlite_url)
    left = file.with_name("state.db-wal").read_bytes()
    ledger.close()
    file.unlink()
    file.with_name("state.db-wal").write_bytes(left)
    file.with_name("state.db.new").write_bytes(b"half")

    with open_state(sqlite_url, writer=True) as ledger:
        assert ledger.events() == []
        ledger.append([requested()])
        assert check(sqlite_url) == ()


@pytest.mark.parametrize("victim", ["state.db", "state.db.lock", "state.db-wal", "state.db-shm"])
def test_a_state_deleted_under_its_writer_is_noticed_before_the_next_write(
    sqlite_url: str, victim: str
) -> None:
    """Nothing is written into a file nobody will find again; a fresh start works."""
    ledger = open_state(sqlite_url, writer=True)
    ledger.append([requested()])
    _file(sqlite_url).with_name(victim).unlink()

    with pytest.raises(StateError, match="was deleted or replaced"):
        ledger.append([imported()])
    ledger.close()
    with open_state(sqlite_url, writer=True) as ledger:
        ledger.append([requested()])


def test_deleting_the_whole_directory_is_a_fresh_start(sqlite_url: str) -> None:
    """History is gone, nothing else."""
    shutil.rmtree(_written(sqlite_url).parent)

    with open_state(sqlite_url, writer=True) as ledger:
        assert ledger.events() == []


def test_a_target_that_means_another_registry_is_refused(url: str) -> None:
    """The state of one environment copied to another: both registries are named, and nothing is changed."""
    with open_state(url, writer=True, target_identities={"prod": "https://one/p1", "dev": "local"}) as ledger:
        ledger.append([requested()])

    for writer in (False, True):
        with pytest.raises(StateError, match="'prod' as https://one/p1, but it is https://two/p1"):
            open_state(url, writer=writer, target_identities={"prod": "https://two/p1"})
    with open_state(url, writer=True, target_identities={"prod": "https://one/p1", "new": "x"}) as ledger:
        assert ledger.events() == [requested()]
    with pytest.raises(StateError, match="'new'"):
        open_state(url, writer=False, target_identities={"new": "y"})


def test_a_refused_writer_leaves_the_lock_free(sqlite_url: str) -> None:
    """The next one is not told that somebody is writing."""
    open_state(sqlite_url, writer=True, target_identities={"prod": "one"}).close()
    with pytest.raises(StateError, match="'prod'"):
        open_state(sqlite_url, writer=True, target_identities={"prod": "two"})

    open_state(sqlite_url, writer=True, target_identities={"prod": "one"}).close()


def test_a_line_that_was_edited_is_named(sqlite_url: str) -> None:
    """Words that the program does not write are an error of the state, not a traceback."""
    file = _written(sqlite_url)
    with sqlite3.connect(file) as database:
        database.execute("UPDATE journal SET kind = 'invented' WHERE seq = 7")
        database.execute("UPDATE ledger SET updated_at = 'yesterday' WHERE model_name = 'model-3'")
        database.execute("INSERT INTO report VALUES (1, '{\"commit\": 1}')")
    database.close()

    with open_state(sqlite_url, writer=True) as ledger:
        with pytest.raises(StateError, match="line 7 of the journal"):
            ledger.events()
        with pytest.raises(StateError, match=r"'model-3'@'1\.0\.0'"):
            ledger.entries("prod")
        with pytest.raises(StateError, match="the last report"):
            ledger.last_report()
        remember(ledger, report())
        assert ledger.last_report() == report()
    with pytest.raises(StateError, match="line 7 of the journal"):
        rebuild(sqlite_url)


def test_a_file_that_another_program_holds_is_told_of(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the journal waits for it once, and not again by another way."""
    file = _written(sqlite_url)
    monkeypatch.setattr("reconciler.state.sqlite_file._BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StateError, match="is held by another program"), open_journal(sqlite_url):
            pass
