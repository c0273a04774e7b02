"""An `apply` with nothing to do costs nothing, or one page of a short list, wherever its state lies."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

import pytest

from bench.measure import git_counted, lines
from tests.counts.ticks import Site, served
from tests.git_repository import git_environment
from tests.program import Program
from tests.state.conftest import new_postgres_url, postgres_socket, sqlite_url

if TYPE_CHECKING:
    from pathlib import Path

    from tests.state.conftest import NewUrl

__all__ = ["new_postgres_url", "postgres_socket", "sqlite_url"]

_FEW, _MANY = 10, 1_100
_ENGINE = {"sqlalchemy", "git", "reconciler.engine.cycle"}
_HTTP = {"httpx", "asyncio"}
_NEEDLESS = {"pydantic", "typer", "anyio", "reconciler.settings.tables"}
_TELLING = """
import sys
from reconciler.cli import main
try:
    main()
finally:
    # what only stands in for a module has no specification of how it was found
    imported = (name for name, module in sys.modules.items() if getattr(module, "__spec__", None))
    sys.stderr.write("imported: " + " ".join(imported))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """The URL of a new state."""
    if request.param == "sqlite":
        return sqlite_url
    new: NewUrl = request.getfixturevalue("new_postgres_url")
    return new()


async def _apply(site: Site, state: str) -> tuple[int, int, set[str], str]:
    """Git processes and requests of one `apply`, what of the engine and all else it loaded, what it said."""
    before = len(site.registry.requests)
    with git_counted(site.folder, git_environment()) as (variables, log):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", _TELLING, "apply", "--no-wait"],
            cwd=site.folder,
            env={**variables, "RECONCILER_STATE__URL": state},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, 1), done.stderr
        loaded = set(done.stderr.rpartition("imported: ")[2].split()) & (_ENGINE | _HTTP | _NEEDLESS)
        return lines(log), len(site.registry.requests) - before, loaded, done.stdout


async def _reported(site: Site, state: str, *arguments: str) -> str:
    """What one `apply` reports that may as well be forked: nobody looks at what it loads."""
    program = Program(site.folder, {"RECONCILER_STATE__URL": state})
    done = await asyncio.to_thread(program.process, "apply", "--no-wait", *arguments)
    assert done.code in (0, 1), done.err
    return done.out


def _delete_one(models: str) -> None:
    """Deletes the first model of a registry's list."""
    with urlopen(models) as answer:  # noqa: S310 - our own
        first = json.load(answer)["models"][0]["model_id"]
    urlopen(Request(f"{models}/{first}", method="DELETE")).close()  # noqa: S310


@pytest.mark.parametrize(("models", "requests"), [(_FEW, 1), (_MANY, 0)])
def test_an_apply_with_nothing_to_do_loads_no_engine(
    tmp_path: Path, state: str, models: int, requests: int
) -> None:
    """On both sides of the threshold below which every cycle looks at the whole list, with either state."""

    async def applied() -> None:
        async with served(tmp_path, models) as site:
            await _reported(site, state)
            http = _HTTP if requests else {"asyncio"} if state.startswith("postgresql") else set()
            assert (await _apply(site, state))[:3] == (0, requests, http)
            site.declare()
            _, _, loaded, output = await _apply(site, state)
            assert (loaded >= _ENGINE, "1 imported" in output) == (True, True)

    asyncio.run(applied())


def test_a_model_that_somebody_deletes_is_missed_at_once_where_models_are_few(tmp_path: Path) -> None:
    """The one page of the list is looked at, and differs."""

    async def applied() -> str:
        state = f"sqlite:///{tmp_path}/state.db"
        async with served(tmp_path, _FEW) as site:
            await _reported(site, state, "--refresh")
            quiet = await _reported(site, state)
            assert quiet.startswith("Nothing to do: 11 models in sync.\nCommit ")
            await asyncio.to_thread(_delete_one, f"{site.registry.url}/v1/project/models")
            return await _reported(site, state)

    assert "missing" in asyncio.run(applied())
