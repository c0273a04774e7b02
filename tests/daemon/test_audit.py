"""The loop writes git's notes beside its ticks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tests.daemon.running import SELDOM, inside
from tests.daemon.waiting import until
from tests.git_repository import GitRepository
from tests.program import EMBEDDED

if TYPE_CHECKING:
    from pathlib import Path

    from tests.program import Fleet

REF = "refs/notes/reconciler"


def test_the_loop_writes_and_pushes_what_became_of_a_commit(fleet: Fleet, tmp_path: Path) -> None:
    """A remote that is away is one warning; what it missed is there when it is back."""
    remote = GitRepository(tmp_path / "host.git", bare=True)
    away = tmp_path / "away"
    audit = f'[audit]\nnotes = "{REF}"\npush_url = "file://{remote.path}"\n'
    fleet.configure(EMBEDDED + SELDOM + audit)
    commit = fleet.repository.git("rev-parse", "HEAD")

    def events() -> list[str]:
        lines = remote.git("notes", "--ref", REF, "show", commit).splitlines()
        return [json.loads(line)["event"] for line in lines]

    async def work() -> None:
        remote.path.rename(away)
        async with inside(fleet) as daemon:
            await daemon.tells("notes not written")
            away.rename(remote.path)
            await daemon.tells("notes are written again")
            assert "import-requested" in events()

    asyncio.run(work())


def test_a_loop_that_has_never_fetched_begins_and_writes_notes(fleet: Fleet, tmp_path: Path) -> None:
    """Also while the remote is away; the log names the repository, which is where notes go, too."""
    remote = GitRepository(tmp_path / "host.git", bare=True)
    fleet.repository.git("push", "-q", str(remote.path), "main")
    commit = fleet.repository.git("rev-parse", "HEAD")
    url, away = f"file://{remote.path}", tmp_path / "away"
    audit = f'[audit]\nnotes = "{REF}"\npush_url = "{url}"\n[source]\nrepo = "{url}"\nbranch = "main"\n'
    fleet.configure(EMBEDDED + SELDOM.replace('"1h"', '"500ms"') + audit)

    async def work() -> None:
        remote.path.rename(away)
        async with inside(fleet) as daemon:
            failed = await daemon.tells("tick failed")
            assert failed["error"].startswith(f"{url}: ")
            away.rename(remote.path)
            await until(lambda: "imported" in remote.git("log", "-1", f"--notes={REF}", commit))
            assert not daemon.told("notes not written")

    asyncio.run(work())
