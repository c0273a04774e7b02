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


def test_notes_wait_for_a_repository_that_was_never_read(fleet: Fleet, tmp_path: Path) -> None:
    """Nothing is mirrored yet, and the host is away at first; the log names it, for its URL is no secret."""
    host, away = GitRepository(tmp_path / "host.git", bare=True), tmp_path / "away"
    fleet.repository.git("push", "-q", str(host.path), "main")
    url = f"file://{host.path}"
    often = '[schedule]\nevery = "200ms"\ngrace = "5s"\n[web]\nlisten = "127.0.0.1:0"\n'
    audit = f'[source]\nrepo = "{url}"\nbranch = "main"\n[audit]\nnotes = "{REF}"\npush_url = "{url}"\n'
    fleet.configure(EMBEDDED + often + audit)

    async def work() -> None:
        host.path.rename(away)
        async with inside(fleet) as daemon:
            assert url in (await daemon.tells("tick failed"))["error"]
            away.rename(host.path)
            await daemon.tells("tick")
            await until(lambda: "published" in host.git("log", "--notes=reconciler", "--format=%N", "main"))
            assert not daemon.lines_of("notes not written")

    asyncio.run(work())
