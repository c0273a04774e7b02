"""What only a server can do: be away, refuse, cut the connection; and what never reaches a message."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import StateError
from reconciler.state import check
from tests.state.leading import open_state
from tests.state.samples import imported, requested
from tests.torture.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from tests.state.conftest import NewUrl

_NOBODY_LISTENS = "postgresql+psycopg://u:hunter2@127.0.0.1:1/state?connect_timeout=2"


def test_a_server_that_does_not_answer_is_said_without_the_password() -> None:
    """Host, port and database; never the user's secret."""
    pytest.importorskip("psycopg")
    for writer in (False, True):
        with pytest.raises(StateError, match=r"postgresql://127\.0\.0\.1:1/state .*refused") as refusal:
            open_state(_NOBODY_LISTENS, writer=writer)
        assert "hunter2" not in str(refusal.value)
        assert str(refusal.value).isprintable()
    assert len(check(_NOBODY_LISTENS)) == 1


def test_without_the_driver_the_message_says_what_to_install() -> None:
    """The driver is an extra; the room works without it."""
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from reconciler.errors import StateError; from reconciler.state import open_state\n"
        "try: open_state('postgresql+psycopg://h/d', writer=True)\n"
        "except StateError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'model-reconciler[postgres]'" in done.stdout


def test_reading_a_database_without_a_state_makes_no_tables(new_postgres_url: NewUrl) -> None:
    """It is an empty state, and stays one."""
    url = new_postgres_url()
    for _ in range(2):
        with open_state(url, writer=False) as ledger:
            assert ledger.events() == []
            assert ledger.last_report() is None
    open_state(url, writer=True).close()


def test_another_programs_tables_are_left_alone(new_postgres_url: NewUrl) -> None:
    """A table of one of our names that is not ours: refused, not adopted."""
    import psycopg  # noqa: PLC0415 - an extra

    url = new_postgres_url()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE report (sales int)")

    for writer in (False, True):
        with pytest.raises(StateError, match="belongs to another program"):
            open_state(url, writer=writer)


def test_a_table_of_another_schema_on_the_search_path_is_neither_used_nor_in_the_way(
    new_postgres_url: NewUrl,
) -> None:
    """The state's tables go to the first schema, whatever the second one holds."""
    import psycopg  # noqa: PLC0415 - an extra

    theirs, ours = new_postgres_url(), new_postgres_url()
    with psycopg.connect(theirs.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE meta (key text, value text)")
    schema = theirs.rpartition("%3D")[2]
    with open_state(f"{ours},{schema}", writer=True) as ledger:
        ledger.append([requested()])

    with psycopg.connect(theirs.replace("+psycopg", "")) as connection:
        assert connection.execute(f"SELECT count(*) FROM {schema}.meta").fetchone() == (0,)  # noqa: S608
    assert check(ours) == ()


def test_a_writer_whose_sessions_were_ended_says_so_and_goes_on_with_others(new_postgres_url: NewUrl) -> None:
    """Nothing hangs on a session: what was under way fails, and what comes after it connects again."""
    url = new_postgres_url()
    with open_state(url, writer=True) as ledger:
        ledger.append([requested()])
        _end_every_session(url)
        with pytest.raises(StateError):
            ledger.append([imported()])
        assert _until_it_works(ledger.position) == 1
        ledger.append([imported()])
        assert ledger.events() == [requested(), imported()]


def _until_it_works(call: Callable[[], int]) -> int:
    """Each connection that was kept tells once that it is gone."""
    while True:
        with suppress(StateError):
            return call()


def test_a_missing_database_is_said(postgres_socket: str) -> None:
    """With its name."""
    url = f"postgresql+psycopg://reconciler@/nowhere?host={postgres_socket}"
    with pytest.raises(StateError, match="nowhere"):
        open_state(url, writer=True)


def test_two_schemas_of_one_database_are_two_states(new_postgres_url: NewUrl) -> None:
    """Each has its own writer."""
    with (
        open_state(new_postgres_url(), writer=True) as one,
        open_state(new_postgres_url(), writer=True) as other,
    ):
        one.append([requested()])
        assert other.events() == []


def _end_every_session(url: str) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(url.replace("+psycopg", "")) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def test_a_loop_that_has_nothing_to_write_notices_that_the_server_is_away(new_postgres_url: NewUrl) -> None:
    """By its look at the journal."""
    url = new_postgres_url()
    with open_state(url, writer=True) as ledger:
        assert ledger.position() == 0
        _end_every_session(url)
        with pytest.raises(StateError):
            ledger.position()


def _through(line: Line, url: str, *options: str) -> str:
    """The URL of the same schema by way of a line, with more of the server's options."""
    more = "".join(f"%20-c{option}" for option in options)
    schema = url.rpartition("%3D")[2]
    place = f"postgresql+psycopg://reconciler@127.0.0.1:{line.port}/postgres"
    return f"{place}?options=-csearch_path%3D{schema}{more}"


def test_a_server_that_says_nothing_is_given_up(new_postgres_url: NewUrl, postgres_socket: str) -> None:
    """Everything is acknowledged and nothing answered: nobody waits longer than a statement may run."""
    with Line(f"{postgres_socket}/.s.PGSQL.5432") as line:
        url = _through(line, new_postgres_url(), "statement_timeout%3D1s")
        ledger = open_state(url, writer=True)
        line.way = "swallow"
        with pytest.raises(StateError, match="the server said nothing for 6 seconds"):
            ledger.position()
        with pytest.raises(StateError):
            ledger.append([requested()])
        line.way = "open"
        ledger.close()


def test_what_the_url_says_of_a_timeout_holds(new_postgres_url: NewUrl) -> None:
    """The user's own options win; what they leave out is limited by us."""
    url = f"{new_postgres_url()}%20-cstatement_timeout%3D77s"
    with (
        open_state(url, writer=True) as ledger,
        ledger._database.reading() as connection,
    ):
        shown = [_shown(connection, name) for name in _SHOWN]
        while_writing = ledger._database.write(lambda connection: _shown(connection, _SHOWN[2]))
    assert shown == ["77s", "10s", "1min"]
    assert while_writing == "8s"


def _shown(connection: Connection, name: str) -> str:
    return str(connection.exec_driver_sql(f"SHOW {name}").scalar())


_SHOWN = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
