"""The commands of the document bring a state back from its backup, and nothing is imported a second time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.postgres import programs
from reconciler.state import open_state
from tests.program import modelarts

if TYPE_CHECKING:
    from tests.program import Fleet
    from tests.relay import Relay

PAGE = Path(__file__).parents[2] / "docs/deployment.md"
STATE = '[state]\nurl = "postgresql+psycopg:///?service=state"\n'


def commands(mark: str) -> str:
    """The document's block with this mark."""
    (block,) = re.findall(rf"^```sh {mark}\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return str(block)


def carry_out(mark: str, fleet: Fleet, **environment: str) -> None:
    """Runs that block as a person would."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(mark)],
        cwd=fleet.folder, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def it_goes_on(fleet: Fleet, relay: Relay) -> None:
    """The restored state is sound, has its history, knows not of `c`, and imports `d` alone."""
    assert fleet("state", "check").code == 0
    events = [event["event"] for event in fleet.json("history", "a").json[0]["events"]]
    assert events[0] == "import-requested"
    assert fleet.json("history", "c").json[0]["events"] == []
    posts = relay.posts
    fleet.declare("d@1.0.0")
    assert fleet.json("apply").verdicts == dict.fromkeys(
        ("a@1.0.0", "b@2.0.0", "c@1.0.0", "d@1.0.0"), "in-sync"
    )
    assert (relay.posts, len(relay.models())) == (posts + 1, 4)
    assert fleet("apply").out.startswith("Nothing to do")


def test_a_restored_sqlite_state_goes_on_without_a_second_import(fleet: Fleet, relay: Relay) -> None:
    """Copied beside a writer; restored alone, without index, mirror and lock."""
    fleet("apply")
    with open_state(f"sqlite:///{fleet.folder}/.reconciler/state.db", writer=True):
        carry_out("backup-sqlite", fleet)
    fleet.declare("c@1.0.0")
    fleet("apply")
    shutil.rmtree(fleet.folder / ".reconciler")
    carry_out("restore-sqlite", fleet)
    it_goes_on(fleet, relay)


@pytest.mark.parametrize("gone", [True, False], ids=["the database is gone", "over a newer state"])
def test_a_restored_postgresql_state_goes_on_without_a_second_import(
    fleet: Fleet, relay: Relay, postgres_socket: str, gone: bool
) -> None:
    """Dumped beside a writer, into an empty database or over what was there; found by a service file."""
    database = f"restored_{int(gone)}"
    service = fleet.folder.parent / "pg_service.conf"
    service.write_text(f"[state]\nhost={postgres_socket}\nuser=reconciler\ndbname={database}\n", "utf-8")
    path = f"{programs()}{os.pathsep}{os.environ['PATH']}"
    fleet.environment["PGSERVICEFILE"] = str(service)
    fleet.configure(modelarts(relay.url) + STATE)
    _create_database(postgres_socket, database)
    fleet("apply")
    with open_state(f"postgresql+psycopg://reconciler@/{database}?host={postgres_socket}", writer=True):
        carry_out("backup-postgresql", fleet, PGSERVICEFILE=str(service), PATH=path)
    fleet.declare("c@1.0.0")
    fleet("apply")
    shutil.rmtree(fleet.folder / ".reconciler", ignore_errors=True)
    if gone:
        _create_database(postgres_socket, database)
    carry_out("restore-postgresql", fleet, PGSERVICEFILE=str(service), PATH=path)
    it_goes_on(fleet, relay)


def _create_database(postgres_socket: str, database: str) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(
        host=postgres_socket, user="reconciler", dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {database}")
