"""The repository under a running loop is another one, or away for a while: the loop goes on."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

from tests.daemon.counted import CountedRegistry
from tests.daemon.running import FOLLOW, SELDOM, inside
from tests.daemon.waiting import until
from tests.git_repository import GitRepository, path_with_git
from tests.program import Fleet, Program

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.daemon.running import Daemon


class _Synced:
    """What git-sync makes: a link to a work tree; each sync adds one, flips the link, removes the old one."""

    def __init__(self, upstream: GitRepository, root: Path) -> None:
        self._upstream = upstream
        self._root = GitRepository(root)
        self.link = root / "link"

    def sync(self) -> str:
        root = self._root
        root.git("fetch", "--quiet", str(self._upstream.path), "main")
        commit = root.git("rev-parse", "FETCH_HEAD")
        old = self.link.resolve() if self.link.exists() else None
        root.git("worktree", "add", "--quiet", "--detach", f".worktrees/{commit}", commit)
        (root.path / "next").symlink_to(f".worktrees/{commit}")
        (root.path / "next").rename(self.link)
        if old is not None:
            shutil.rmtree(old)
            root.git("worktree", "prune")
        return commit


def _program(folder: Path, repo: Path | str, registry: CountedRegistry, schedule: str = SELDOM) -> Program:
    folder.mkdir()
    program = Program(folder)
    program.configure(f'[source]\nrepo = "{repo}"\n{schedule}{FOLLOW}{registry.target()}')
    return program


def test_a_link_that_is_flipped_to_a_new_work_tree_is_followed_at_once(fleet: Fleet, tmp_path: Path) -> None:
    """As git-sync flips it, whose old work tree is gone afterwards; twice, and without the schedule."""
    synced = _Synced(fleet.repository, tmp_path / "root")
    synced.sync()

    async def work() -> None:
        async with CountedRegistry() as registry:
            program = _program(tmp_path / "conf", synced.link, registry)
            async with inside(program) as daemon:
                await daemon.tells("import status updated", left=0)
                for number, model in enumerate(("b@1.0.0", "c@1.0.0"), start=2):
                    fleet.declare(model)
                    commit = await asyncio.to_thread(synced.sync)
                    await daemon.tells("tick", commit=commit[:12], did_imported=1)
                    assert registry.imports == number
                    await asyncio.sleep(0.5)

    asyncio.run(work())


def _last_error(daemon: Daemon) -> str:
    failed = daemon.lines_of("tick failed")
    return str(failed[-1]["error"]) if failed else ""


def test_a_repository_that_is_moved_away_and_back_is_followed_on(fleet: Fleet, tmp_path: Path) -> None:
    """Meanwhile each tick says where it looks, and which setting says so."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            often = SELDOM.replace("1h", "200ms")
            program = _program(tmp_path / "conf", fleet.folder, registry, often)
            async with inside(program) as daemon:
                await daemon.tells("import status updated", left=0)
                fleet.folder.rename(tmp_path / "away")
                # a tick that was reading just then may have failed in another way
                await until(lambda: "no such folder" in _last_error(daemon))
                message = _last_error(daemon)
                assert f"source.repo is '{fleet.folder}' in {tmp_path}/conf/reconciler.toml" in message
                (tmp_path / "away").rename(fleet.folder)
                fleet.declare("b@1.0.0")
                await until(lambda: registry.imports == 2)

    asyncio.run(work())


def test_a_repository_that_is_made_anew_at_its_path_is_rewritten_history(
    fleet: Fleet, tmp_path: Path
) -> None:
    """What it declares anew waits for consent, and the loop goes on looking at the new one."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            often = SELDOM.replace("1h", "200ms")
            program = _program(tmp_path / "conf", fleet.folder, registry, often)
            async with inside(program) as daemon:
                await daemon.tells("import status updated", left=0)
                other = Fleet(tmp_path / "other")
                other.declare("mnist@1.0.0", "b@1.0.0")
                fleet.folder.rename(tmp_path / "old")
                other.folder.rename(fleet.folder)
                await daemon.tells("tick", refused=1)
                assert registry.imports == 1

    asyncio.run(work())


def test_a_folder_that_only_later_is_a_repository_is_watched_from_above(tmp_path: Path) -> None:
    """Nothing that is watched has to exist, and nothing of it is an error."""
    from reconciler.source import open_source  # noqa: PLC0415 - for this test alone

    repository = GitRepository(tmp_path / "a" / "b")
    repository.commit({"x": "1"})
    (tmp_path / "link").symlink_to("a")
    with open_source("link/b", branch=None, cache_dir=tmp_path, base=tmp_path) as source:
        assert source.location_paths() == (tmp_path,)
        assert repository.path / ".git" in source.watch_paths()
        shutil.rmtree(tmp_path / "a" / "b")
        assert (source.location_paths(), source.watch_paths()) == ((tmp_path / "link",), ())
        os.unlink(tmp_path / "link")  # noqa: PTH108 - a link
        assert source.location_paths() == (tmp_path,)


def test_a_remote_that_hangs_is_given_up_and_asked_again(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tick has its deadline; once the cause is gone, the loop goes on by itself."""
    hangs = tmp_path / "hangs"
    monkeypatch.setenv("PATH", path_with_git(tmp_path, f"*ls-remote*) [ -e {hangs} ] && sleep 60"))

    async def work() -> None:
        async with CountedRegistry() as registry:
            often = SELDOM.replace("1h", "200ms")
            url = f'file://{fleet.folder}"\ntimeout = "2s'
            remote = _program(tmp_path / "conf", url, registry, often)
            async with inside(remote) as daemon:
                await daemon.tells("import status updated", left=0)
                hangs.touch()
                await daemon.tells("tick failed")
                assert "git ls-remote gave no" in daemon.lines_of("tick failed")[0]["error"]
                fleet.declare("b@1.0.0")
                hangs.unlink()
                await until(lambda: registry.imports == 2)

    asyncio.run(work())


def test_a_mirror_is_packed_by_a_tick_that_has_nothing_to_do_and_by_no_other(
    fleet: Fleet, tmp_path: Path
) -> None:
    """A day after it was made; meanwhile it may be damaged, and the loop mends it and goes on."""

    async def work() -> None:
        async with CountedRegistry() as registry:
            program = _program(tmp_path / "conf", f"file://{fleet.folder}", registry)
            async with inside(program) as daemon:
                await daemon.tells("import status updated", left=0)
                (mirror,) = (program.folder / ".reconciler" / "mirrors").glob("*.git")
                day = time.time() - 90_000
                os.utime(mirror / "HEAD", (day, day))
                commit = fleet.declare("b@1.0.0")
                daemon.send(signal.SIGHUP)
                await daemon.tells("tick", commit=commit[:12], did_imported=1)
                assert not (mirror / "packed-by-reconciler").exists()
                daemon.send(signal.SIGHUP)
                await until((mirror / "packed-by-reconciler").exists)
                await until(lambda: not list((mirror / "objects").glob("??/*")))
                (mirror / "packed-refs").write_text("garbage\n")
                commit = fleet.declare("c@1.0.0")
                daemon.send(signal.SIGHUP)
                await daemon.tells("tick", commit=commit[:12], did_imported=1)

    asyncio.run(work())
