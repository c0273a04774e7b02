"""The loop writes git's notes beside its ticks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from tests.daemon.running import SELDOM, inside
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
