"""Whatever may go wrong with a registry, git, the state, the configuration and the libraries."""

from __future__ import annotations

import fcntl
import json
import socket
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock
from urllib.parse import quote

import httpx
import psycopg

from tests.canaries import crashing
from tests.canaries.site import SECRETS, Site, quoted
from tests.canaries.spelling import all_spellings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

_HERE = Path(__file__).parents[2]


@contextmanager
def _echo(mode: int | str, site: Site) -> Iterator[None]:
    site.echo.mode = mode
    site.configure()
    yield


@contextmanager
def _no_connection(site: Site) -> Iterator[None]:
    """Nobody listens, somebody does who speaks no TLS, and somebody is to be asked who is no proxy."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    behind = f"https://{site.echo.address}"
    site.endpoints = {
        "signed": f"http://{nobody}",
        "ready": f"https://{nobody}",
        "login": behind,
        "given": behind,
    }
    site.configure()
    yield


@contextmanager
def _proxy(site: Site) -> Iterator[None]:
    site.endpoints = dict.fromkeys(("signed", "ready", "given", "login"), "https://modelarts.example")
    site.fleet.environment["HTTPS_PROXY"] = f"http://robot:{_in_url('proxy')}@{site.echo.address}"
    site.configure()
    yield


@contextmanager
def _misconfigured(line: str, site: Site) -> Iterator[None]:
    site.configure(more=line, registry=line)
    yield


@contextmanager
def _misplaced(site: Site) -> Iterator[None]:
    """The secret itself where the name of a file, a variable or a program is expected."""
    wrong = quoted("wrong")
    site.ways = {
        "signed": f'method = "aksk", access_key = "A", secret_key_file = {wrong}',
        "ready": f'method = "token", token_command = [{wrong}]',
        "given": f'method = "token", token_env = {wrong}',
        "odd": f'method = "token", token_file = {wrong}',
    }
    user = f'[[auth.users]]\nname = "robot"\ndomain = "acme"\npassword_env = {wrong}\n'
    site.configure(registry=user)
    text = (site.fleet.folder / "reconciler.toml").read_text("utf-8")
    page = f'"{site.fleet.folder.parent}/secrets/page"'
    site.fleet.configure(text.replace(page, wrong))
    yield


@contextmanager
def _locked(site: Site) -> Iterator[None]:
    site.configure()
    folder = site.fleet.folder / ".reconciler"
    folder.mkdir(mode=0o700)
    with (folder / "state.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _damaged(site: Site) -> Iterator[None]:
    site.configure()
    folder = site.fleet.folder / ".reconciler"
    folder.mkdir(mode=0o700)
    (folder / "state.db").write_bytes(b"no database" * 1000)
    yield


@contextmanager
def _git(mode: int, site: Site) -> Iterator[None]:
    site.echo.mode = mode
    site.echo.also = all_spellings([SECRETS["git"]])
    site.endpoints = dict.fromkeys(("signed", "ready", "given", "odd", "login"), "http://127.0.0.1:1")
    site.configure(source=f'repo = "http://robot:{_in_url("git")}@{site.echo.address}/repo.git"')
    yield
    assert b"remote-http" in b"\n".join(site.echo.processes)


@contextmanager
def _database(site: Site) -> Iterator[None]:
    site.configure(
        state=f'url = "postgresql+psycopg://robot:{_in_url("database")}@127.0.0.1:1/x?connect_timeout=1"'
    )
    yield


@contextmanager
def _crash_in_a_call(site: Site) -> Iterator[None]:
    """Here, and in the loop, which is a process of its own."""
    site.configure()
    folder = site.fleet.folder.parent
    crashing.start_file(folder)
    site.fleet.environment |= {
        "PYTHONPATH": f"{folder}:{_HERE}",
        crashing.SECRETS: json.dumps(list(SECRETS.values())),
    }
    with mock.patch.object(httpx.AsyncHTTPTransport, "handle_async_request", crashing.send):
        yield


@contextmanager
def _crash_in_a_driver(site: Site) -> Iterator[None]:
    site.fleet.environment[crashing.SECRETS] = json.dumps([SECRETS["database"]])
    with _database(site), mock.patch.object(psycopg, "connect", crashing.connect):
        yield


def _in_url(place: str) -> str:
    return quote(SECRETS[place], safe="")


_MISTAKES = "\n".join(
    [
        f"[log]\npassword = {quoted('wrong')}\nlevel = {quoted('wrong')}",
        f"[guards]\nmax_imports_per_cycle = {quoted('wrong')}",
        f"[{quoted('wrong')}]\nx = 1\n",
    ]
)

FAILURES: Mapping[str, Callable[[Site], AbstractContextManager[None]]] = {
    "200 that echoes": partial(_echo, 200),
    "401 that echoes": partial(_echo, 401),
    "500 that echoes": partial(_echo, 500),
    "an id that echoes": partial(_echo, "created"),
    "no connection": _no_connection,
    "no way through the proxy": _proxy,
    "unknown keys and wrong values": partial(_misconfigured, _MISTAKES),
    "a line that is not TOML": partial(_misconfigured, f"[log]\nlevel = {quoted('wrong')} nonsense\n"),
    "secrets in the wrong keys": _misplaced,
    "state locked": _locked,
    "state damaged": _damaged,
    "state on a server that is away": _database,
    "git refuses the credentials": partial(_git, 401),
    "git's server fails": partial(_git, 500),
    "a crash in a call": _crash_in_a_call,
    "a crash in a driver": _crash_in_a_driver,
}
"""For each failure, what brings it about while the block runs."""
