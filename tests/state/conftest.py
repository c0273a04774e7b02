"""States to test with: SQLite files, and schemas of a PostgreSQL server started for the occasion."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bench.postgres import new_home
from bench.postgres import programs as postgres_programs
from tests import cluster
from tests.daemon.waiting import until
from tests.effort import THOROUGH

NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The socket directory of a PostgreSQL server of our own; skipped where PostgreSQL is not installed."""
    pytest.importorskip("psycopg")
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with new_home(programs) as run:
        cluster.fill(run.home / "data", run)
        options = f"-k {run.home} -c listen_addresses='' -c fsync=off -c max_connections=300"
        run("pg_ctl", "-w", "-l", str(run.home / "log"), "-o", options, "start")
        yield str(run.home)


@pytest.fixture(scope="session")
def new_postgres_url(postgres_socket: str) -> NewUrl:
    """Makes an empty schema and gives its URL."""
    import psycopg  # noqa: PLC0415 - an extra

    counter = itertools.count()
    place = f"host={postgres_socket} user=reconciler dbname=postgres"

    def new() -> str:
        schema = f"state_{next(counter)}"
        with psycopg.connect(place) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        options = quote(f"-csearch_path={schema}")
        host = quote(postgres_socket, safe="")
        return f"postgresql+psycopg://reconciler@/postgres?host={host}&options={options}"

    return new


@pytest.fixture(scope="session")
def pgbouncer_socket(postgres_socket: str) -> Iterator[str]:
    """The socket directory of a PgBouncer before that server, in transaction mode; skipped without it."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    home = Path(postgres_socket) / "pooler"
    home.mkdir()
    users = "".join(f'"{_pooled(number)}" ""\n' for number in range(_POOLED))
    (home / "users.txt").write_text(users, encoding="ascii")
    (home / "pgbouncer.ini").write_text(_POOLER.format(server=postgres_socket, home=home), encoding="ascii")
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        for file in (home, *home.iterdir()):
            shutil.chown(file, user)
    process = cluster.start_pooler(program, home, user)
    try:
        asyncio.run(until((home / ".s.PGSQL.6432").exists))
        yield str(home)
    finally:
        process.communicate()


_POOLED = 3000
_POOLER = """
[databases]
* = host={server}
[pgbouncer]
pool_mode = transaction
unix_socket_dir = {home}
listen_port = 6432
auth_type = trust
auth_file = {home}/users.txt
logfile = {home}/log
max_client_conn = 500
default_pool_size = 10
server_idle_timeout = 1
"""


def _pooled(number: int) -> str:
    return f"pooled_{number}"


@pytest.fixture(scope="session")
def new_pooled_url(postgres_socket: str, pgbouncer_socket: str) -> NewUrl:
    """Makes an empty schema of a user of its own, and gives its URL by way of the pooler."""
    import psycopg  # noqa: PLC0415 - an extra

    counter = itertools.count()
    place = f"host={postgres_socket} user=reconciler dbname=postgres"

    def new() -> str:
        name = _pooled(next(counter))
        with psycopg.connect(place) as connection:
            connection.execute(f"CREATE ROLE {name} LOGIN")
            connection.execute(f"CREATE SCHEMA {name} AUTHORIZATION {name}")
            connection.execute(f"ALTER ROLE {name} SET search_path = {name}")
        return f"postgresql+psycopg://{name}@/postgres?host={quote(pgbouncer_socket, safe='')}&port=6432"

    return new


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist, in a directory that does not exist."""
    return f"sqlite:///{tmp_path}/.reconciler/state.db"


KINDS = {"sqlite": "", "postgres": "new_postgres_url", "pgbouncer": "new_pooled_url"}
directly = pytest.mark.parametrize("new_url", KINDS if THOROUGH else ("sqlite", "postgres"), indirect=True)
"""For properties, whose every example costs the same again through a pooler."""


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest) -> str:
    """A state that does not exist yet, of each kind in turn."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return str(request.getfixturevalue(KINDS[request.param])())


@pytest.fixture(params=KINDS)
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NewUrl:
    """Gives another state that does not exist yet at each call, of each kind in turn."""
    if request.param != "sqlite":
        made: NewUrl = request.getfixturevalue(KINDS[request.param])
        return made
    return lambda: f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db"
