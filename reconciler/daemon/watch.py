"""Asks for a tick when files say that something moved, told by the kernel; the schedule looks anyway."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import structlog
from watchfiles import awatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from watchfiles import Change

    Paths: TypeAlias = Callable[[], Mapping[str, Iterable[Path]]]
    _Known: TypeAlias = frozenset[tuple[str, Path, int, int]]

log = structlog.get_logger("reconciler")

_GROUPED = 100  # milliseconds at most for which changes are gathered
_STILL = 10  # milliseconds without another change, after which those that came are told
_LOOK_AGAIN = 5.0  # seconds after which what is watched is compared with what should be
_STANDS = 0.2  # seconds after which a new watch stands for certain
_PATIENCE = 5.0  # seconds until a watch that failed is tried again


@contextlib.asynccontextmanager
async def watched(
    paths: Paths, ask: Callable[[str], None], look_again: float = _LOOK_AGAIN
) -> AsyncIterator[None]:
    """Asks for a tick whenever one of the paths changes.

    Args:
        paths: by the word to ask with, the files and folders to watch, each without what lies below it. Asked
            for again after every change; a path that does not exist is left out.
        ask: takes the word.
        look_again: seconds after which the paths are asked for again although nothing changed.
    """
    stopped = asyncio.Event()
    task = asyncio.create_task(_watch(paths, ask, stopped, look_again), name="watch")
    await asyncio.sleep(
        0
    )  # the watch stands once the task first waits: whatever moves from now on is noticed
    try:
        yield
    finally:
        stopped.set()
        await task


async def _watch(paths: Paths, ask: Callable[[str], None], stopped: asyncio.Event, look_again: float) -> None:
    known: _Known | None = None
    complained = False
    while not stopped.is_set():
        try:
            wanted = _identified(paths())
            if known not in (None, wanted):  # something may have moved before the new watch stood
                asyncio.get_running_loop().call_later(_STANDS, _ask_each, ask, wanted)
            known = wanted
            await _until_others(wanted, paths, ask, stopped, look_again)
            if complained:
                log.info("file watching works again")
            complained = False
        except* Exception as problems:  # noqa: BLE001 - whatever it is, the schedule goes on without it
            if not complained:
                told = "; ".join(str(problem) for problem in problems.exceptions)
                log.warning("file watching failed; falling back to the schedule", error=told)
            complained = True
            await _pause(stopped)


async def _until_others(
    wanted: _Known, paths: Paths, ask: Callable[[str], None], stopped: asyncio.Event, look_again: float
) -> None:
    """Watches `wanted`, and returns when the paths are others, or something else lies there."""
    if not wanted:
        await _pause(stopped)
        return
    changes = awatch(
        *{path for _, path, *_ in wanted},
        recursive=False,
        debounce=_GROUPED,
        step=_STILL,
        rust_timeout=int(look_again * 1000),
        yield_on_timeout=True,
        watch_filter=_is_no_lock,
        stop_event=stopped,
    )
    async with contextlib.aclosing(changes):
        async for seen in changes:
            changed = {Path(path) for _, path in seen}
            _ask_each(ask, (one for one in wanted if one[1] in changed | {path.parent for path in changed}))
            if _identified(paths()) != wanted:
                return


def _ask_each(ask: Callable[[str], None], known: Iterable[tuple[str, Path, int, int]]) -> None:
    for word in sorted({word for word, *_ in known}):
        ask(word)


def _identified(paths: Mapping[str, Iterable[Path]]) -> _Known:
    """The paths that exist, each with what the kernel takes it for: one that was replaced is another."""
    found = set()
    for word, several in paths.items():
        for path in several:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                facts = path.stat()
                found.add((word, path, facts.st_dev, facts.st_ino))
    return frozenset(found)


def _is_no_lock(_: Change, path: str) -> bool:
    """Whether a change is news: git makes and removes a lock file for each file that it replaces."""
    return not path.endswith(".lock")


async def _pause(stopped: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), _PATIENCE)
