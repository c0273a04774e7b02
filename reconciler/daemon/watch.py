"""Asks for a tick when the kernel tells that files have changed; the schedule looks anyway.

The event loop waits for inotify's descriptor: nothing wakes while nothing changes.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from reconciler.engine.concurrency import beside
from reconciler.log import log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from pathlib import Path

    from asyncinotify import Event, Inotify, Mask

    Paths: TypeAlias = Callable[[], Mapping[str, Iterable[Path]]]
    _Known: TypeAlias = frozenset[tuple[str, Path, int, int]]


LOCATION = "location"
"""The word for folders of which only the names in them count."""

_GROUPED = 0.1  # seconds at most for which changes are gathered
_STILL = 0.01  # seconds without another change, after which those that came are told
_LOOK_AGAIN = 5.0  # seconds after which what is watched is compared with what should be
_STANDS = 0.2  # seconds after which a new watch stands for certain
_RETRY = 5.0  # seconds until a watch that failed is tried again


@contextlib.asynccontextmanager
async def watched(
    paths: Paths, ask: Callable[[str], None], look_again: float = _LOOK_AGAIN
) -> AsyncIterator[None]:
    """Asks for a tick whenever one of the paths changes; without the kernel the schedule is left.

    `paths` gives files and folders by the word to ask with, each without what lies below it. What is written
    to a file in a folder counts too, unless the word is `LOCATION`. It is asked
    again after every change, and after `look_again` seconds without one; a path that does not exist is left
    out.
    """
    async with beside(_watch(paths, ask, look_again), "watch"):
        await asyncio.sleep(0)  # the watch stands once its task waits: what moves from now on is noticed
        yield


async def _watch(paths: Paths, ask: Callable[[str], None], look_again: float) -> None:
    watched: _Known | None = None
    complained = False
    while True:
        try:
            folders = _identified(paths())
            if watched not in (None, folders):  # something may have moved before the new watch stood
                asyncio.get_running_loop().call_later(_STANDS, _ask_each, ask, folders)
            watched = folders
            await _until_others(folders, paths, ask, look_again)
            if complained:
                log.info("file watching works again")
            complained = False
        except Exception as problem:  # noqa: BLE001 - whatever it is, the schedule goes on without it
            if not complained:
                log.warning("file watching failed; falling back to the schedule", error=str(problem))
            complained = True
            await asyncio.sleep(_RETRY)


async def _until_others(folders: _Known, paths: Paths, ask: Callable[[str], None], look_again: float) -> None:
    """Watches these folders, and returns when the paths are others, or something else lies there."""
    if not folders:
        await asyncio.sleep(_RETRY)
        return
    from asyncinotify import Inotify  # noqa: PLC0415 - fails to load where the kernel is another

    with Inotify() as inotify:
        watched_paths = {path for _, path, *_ in folders}
        content_counts = {path for word, path, *_ in folders if word != LOCATION}
        for path in watched_paths:
            inotify.add_watch(path, _names() | _content() if path in content_counts else _names())
        async with contextlib.aclosing(_Events(inotify)) as events:
            while _identified(paths()) == folders:
                changed = await _changes(events, watched_paths, look_again)
                _ask_each(ask, (one for one in folders if one[1] in changed))


@dataclass(slots=True)
class _Events:
    """The kernel's events, one at a time, each waited for as long as one likes."""

    inotify: Inotify
    _next: asyncio.Task[Event] | None = None

    async def within(self, seconds: float) -> Event | None:
        """The next event; None when there is none for so long."""
        if self._next is None:
            self._next = asyncio.create_task(self.inotify.get())
        # waited for and never cancelled: what was read from the kernel by then would be lost with the wait
        done, _ = await asyncio.wait({self._next}, timeout=seconds)
        if not done:
            return None
        self._next = None
        return done.pop().result()

    async def aclose(self) -> None:
        """Waits for no more events; after it nothing reads the kernel's descriptor."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})


async def _changes(events: _Events, watched_paths: set[Path], look_again: float) -> set[Path]:
    """What changed, with the folders that hold it, once nothing else follows; empty after `look_again`.

    Everything, where the kernel dropped events because there were too many.
    """
    changed: set[Path] = set()
    loop = asyncio.get_running_loop()
    timeout, until = look_again, None
    while until is None or loop.time() < until:
        event = await events.within(timeout)
        if event is None:
            break
        path = event.path
        if path is None:
            return watched_paths
        if path.name.endswith(".lock"):  # git makes and removes one for each file that it replaces
            continue
        changed |= {path, path.parent}
        until = until or loop.time() + _GROUPED
        timeout = _STILL
    return changed


def _names() -> Mask:
    from asyncinotify import Mask  # noqa: PLC0415

    return Mask.CREATE | Mask.DELETE | Mask.DELETE_SELF | Mask.MOVE | Mask.MOVE_SELF


def _content() -> Mask:
    from asyncinotify import Mask  # noqa: PLC0415

    return Mask.MODIFY | Mask.CLOSE_WRITE | Mask.ATTRIB


def _ask_each(ask: Callable[[str], None], folders: Iterable[tuple[str, Path, int, int]]) -> None:
    for word in sorted({word for word, *_ in folders}):
        ask(word)


def _identified(paths: Mapping[str, Iterable[Path]]) -> _Known:
    """The paths that exist, each with what the kernel takes it for: one that was replaced is another."""
    folders = set()
    for word, several in paths.items():
        for path in several:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                facts = path.stat()
                folders.add((word, path, facts.st_dev, facts.st_ino))
    return frozenset(folders)
