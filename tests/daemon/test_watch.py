"""A branch that moves is noticed at once, however git keeps it; and nothing else wakes the loop."""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import structlog

from reconciler.daemon.triggers import LOCATION, watched
from reconciler.errors import SourceError
from reconciler.source import open_source
from tests.daemon.waiting import until
from tests.git_repository import GitRepository

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """A repository with one commit."""
    made = GitRepository(tmp_path / "fleet")
    made.commit({"models.d/a.yaml": "a"})
    return made


@asynccontextmanager
async def follower(folder: Path, branch: str | None = None) -> AsyncIterator[Callable[[], str | None]]:
    """Follows a branch as the loop does: looks at it when asked to, and at no other time.

    Gives a function that tells the commit seen last.
    """
    source = open_source(str(folder), branch=branch, cache_dir=folder, base=folder)
    seen: list[str | None] = []

    def look(_: str) -> None:
        try:
            seen.append(source.head())
        except SourceError:
            seen.append(None)

    def paths() -> dict[str, tuple[Path, ...]]:
        return {"git": source.watch_paths(), LOCATION: source.location_paths()}

    async with watched(paths, look, look_again=0.5):
        yield lambda: seen[-1] if seen else None
    source.close()


async def moves(act: Callable[[], object], head: Callable[[], str], seen: Callable[[], str | None]) -> None:
    """Does something to the repository; it has to be noticed, and nothing else looks."""
    await asyncio.to_thread(act)
    expected = await asyncio.to_thread(head)
    await until(lambda: seen() == expected)


def test_a_commit_is_noticed(repository: GitRepository) -> None:
    """Each of several, one after another."""

    async def work() -> None:
        async with follower(repository.path) as seen:
            for number in range(3):
                await moves(
                    lambda n=number: repository.commit({"models.d/a.yaml": f"{n}"}),  # type: ignore[misc]
                    lambda: repository.git("rev-parse", "HEAD"),
                    seen,
                )

    asyncio.run(work())


def test_packed_refs_a_reset_and_a_push_are_noticed(repository: GitRepository, tmp_path: Path) -> None:
    """A ref that is only in `packed-refs`, one that goes back, and one that a push moves in a bare copy."""

    async def work() -> None:
        first = repository.git("rev-parse", "HEAD")
        async with follower(repository.path, "main") as seen:
            await moves(
                lambda: (
                    repository.commit({"b": "b"}),
                    repository.git("pack-refs", "--all", "--prune"),
                ),
                lambda: repository.git("rev-parse", "HEAD"),
                seen,
            )
            await moves(lambda: repository.git("reset", "--quiet", "--hard", first), lambda: first, seen)

        repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
        async with follower(tmp_path / "bare.git") as seen:
            await moves(
                lambda: (
                    repository.commit({"c": "c"}),
                    repository.git("push", "--quiet", str(tmp_path / "bare.git"), "main"),
                ),
                lambda: repository.git("rev-parse", "HEAD"),
                seen,
            )

    asyncio.run(work())


def test_a_branch_with_slashes_is_followed_through_switch_deletion_and_return(
    repository: GitRepository,
) -> None:
    """Its folder below `refs/heads` comes and goes with it."""

    async def work() -> None:
        first = repository.git("rev-parse", "HEAD")
        async with follower(repository.path) as seen:
            await moves(
                lambda: (
                    repository.git("switch", "--quiet", "--create", "team/vision/next"),
                    repository.commit({"b": "b"}),
                ),
                lambda: repository.git("rev-parse", "HEAD"),
                seen,
            )
            await asyncio.sleep(0.3)
            await moves(
                lambda: repository.commit({"c": "c"}), lambda: repository.git("rev-parse", "HEAD"), seen
            )
            await moves(lambda: repository.git("switch", "--quiet", "main"), lambda: first, seen)

        async with follower(repository.path, "team/vision/next") as seen:
            repository.git("branch", "-D", "team/vision/next")
            await until(lambda: seen() is None)
            await asyncio.sleep(0.4)
            await moves(lambda: repository.git("branch", "team/vision/next", first), lambda: first, seen)
            await asyncio.sleep(0.4)
            await moves(
                lambda: repository.git("update-ref", "refs/heads/team/vision/next", "main@{0}"),
                lambda: repository.git("rev-parse", "main"),
                seen,
            )

    asyncio.run(work())


def test_a_linked_work_tree_is_followed(repository: GitRepository, tmp_path: Path) -> None:
    """Its HEAD lies elsewhere than its branch."""
    repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    side = GitRepository(tmp_path / "side")

    async def work() -> None:
        first = repository.git("rev-parse", "HEAD")
        async with follower(side.path) as seen:
            await moves(lambda: side.commit({"b": "b"}), lambda: side.git("rev-parse", "HEAD"), seen)
            await moves(lambda: side.git("switch", "--quiet", "--detach", first), lambda: first, seen)

    asyncio.run(work())


def test_a_repository_that_is_replaced_by_another_is_followed_on(
    repository: GitRepository, tmp_path: Path
) -> None:
    """As a backup that is put back: the folder has the same name and is another."""
    shutil.copytree(repository.path, tmp_path / "backup", symlinks=True)

    async def work() -> None:
        async with follower(repository.path) as seen:
            repository.path.rename(tmp_path / "old")
            (tmp_path / "backup").rename(repository.path)
            await asyncio.sleep(1)  # the watch is compared every half second
            await moves(
                lambda: repository.commit({"b": "b"}), lambda: repository.git("rev-parse", "HEAD"), seen
            )

    asyncio.run(work())


def test_nothing_is_asked_while_nothing_happens(repository: GitRepository) -> None:
    """Reading the repository, writing to the work tree and git's lock files are no news."""

    async def work() -> None:
        asked: list[str] = []
        git = repository.path / ".git"
        paths = [git, git / "refs" / "heads"]
        async with watched(lambda: {"git": paths}, asked.append):
            await asyncio.sleep(0.1)
            repository.git("log", "-1")
            repository.write({"models.d/b.yaml": "b"})
            (git / "refs" / "heads" / "main.lock").touch()
            (git / "refs" / "heads" / "main.lock").unlink()
            await asyncio.sleep(0.4)
        assert asked == []

    asyncio.run(work())


def test_a_log_beside_a_link_or_where_the_repository_was_is_no_news(
    repository: GitRepository, tmp_path: Path
) -> None:
    """The line that a failed tick writes to it would be the cause of the next tick."""
    (tmp_path / "link").symlink_to("fleet")
    logs = [tmp_path / "run.log", repository.path / "run.log"]
    for log in logs:
        log.touch()

    async def work() -> None:
        asked: list[str] = []
        with open_source("link", branch=None, cache_dir=tmp_path, base=tmp_path) as source:
            folders = source.location_paths()
            (repository.path / ".git").rename(tmp_path / "away")
            folders += source.location_paths()
            assert {folder.resolve() for folder in folders} == {log.parent for log in logs}
            async with watched(lambda: {LOCATION: folders}, asked.append):
                await asyncio.sleep(0.1)
                for log in logs:
                    log.write_text("tick failed\n")
                await asyncio.sleep(0.4)
                assert asked == []
                (tmp_path / "away").rename(repository.path / ".git")
                await until(lambda: asked == [LOCATION])

    asyncio.run(work())


def test_a_change_that_comes_as_a_wait_ends_is_not_lost(tmp_path: Path) -> None:
    """What the kernel told in the very step in which the watch stops gathering is asked for all the same."""
    folders = {word: [tmp_path / word] for word in ("state", "git")}
    for [folder] in folders.values():
        folder.mkdir()

    async def work() -> None:
        asked: list[str] = []
        async with watched(lambda: folders, asked.append, look_again=3600):
            for number in range(20):
                (tmp_path / "state" / f"{number}").touch()
                await asyncio.sleep(0.001)  # the watch has read this one, and waits for another
                (tmp_path / "git" / f"{number}").touch()
                time.sleep(0.02)  # noqa: ASYNC251 - the loop is held until its patience is over as well
                await until(lambda: set(asked) == set(folders))
                asked.clear()

    asyncio.run(work())


def test_paths_that_cannot_be_told_or_watched_leave_it_to_the_schedule() -> None:
    """One line says so, and ending does not wait."""

    def unreadable() -> dict[str, list[Path]]:
        raise SourceError("HEAD: cannot be read")

    async def work() -> None:
        async with watched(unreadable, lambda _: None):
            await asyncio.sleep(0.1)

    with structlog.testing.capture_logs() as logs:
        asyncio.run(asyncio.wait_for(work(), 4))  # a watch that failed is tried again after five seconds
    assert logs == [
        {
            "event": "file watching failed; falling back to the schedule",
            "error": "HEAD: cannot be read",
            "log_level": "warning",
        }
    ]
