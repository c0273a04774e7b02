"""Whether there is anything to do at all: told from the last cycle's note, before anything heavy is loaded.

The note says at which commit and position of the journal every model was at rest, by which settings, and
until when that is believed. While all of it still holds, a cycle would look at nothing but what it would
find as it was. A cycle looks at the list of few models each time, and so does this, by one request.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.idle_note import MARK, read
from reconciler.errors import SourceError
from reconciler.source.backend import LocalRepository
from reconciler.state.peek import peek

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.app.idle_note import Folder, IdleNote
    from reconciler.registry import CredentialCooldown
    from reconciler.settings import Configuration
    from reconciler.settings.raw import RawConfiguration
    from reconciler.state.peek import Peek


@dataclass(slots=True)
class Tried:
    """What a check learnt on its way, for the cycle that follows.

    Attributes:
        cooldown: which credentials were refused; None where none was sent.
    """

    cooldown: CredentialCooldown | None = None


def noop_check(
    raw: RawConfiguration,
    target: str | None,
    tried: Tried,
    settings: Callable[[], Configuration],
) -> IdleNote | None:
    """The note on how the last cycle left everything, while it holds; None when a cycle has to look.

    Args:
        raw: the configuration as it is written.
        target: the one target that is meant; None for all.
        tried: is told what was learnt, for the cycle that may follow.
        settings: gives the configuration, checked; called where a remote repository is followed.

    Raises:
        ConfigurationError, RecursionError: the configuration is wrong.
        SourceError: git could not be read.
    """
    seen = peek(raw.state_url, MARK)
    note = None if seen is None else read(seen.note)
    if seen is None or note is None or not _holds(note, seen) or not note.is_of(raw, target):
        return None
    if _newest(note, settings) != note.rest.commit:
        return None
    # an embedded registry was seen by its files
    asked = {name: word for name, word in note.rest.lists.items() if name in note.services}
    if asked:
        from reconciler.app.registry_look import are_as_listed  # noqa: PLC0415 - brings the HTTP client

        is_same, tried.cooldown = are_as_listed(raw, note.services, asked)
        return note if is_same else None
    return note


def _holds(note: IdleNote, seen: Peek) -> bool:
    """Whether it is the time of the note, and nothing was journalled and no file written since."""
    rest = note.rest
    return rest.at <= seen.at < rest.until and rest.position == seen.position and note.holds_files()


def _newest(note: IdleNote, settings: Callable[[], Configuration]) -> str | None:
    """The branch's newest commit; None where a folder cannot be read, of which a cycle tells more.

    Raises:
        SourceError: a remote repository could not be asked; a cycle would not do better.
    """
    if note.folder is not None:
        return _newest_in(note.folder)
    from reconciler.app.repository import source_of  # noqa: PLC0415 - only where commits are behind a URL

    with closing(source_of(settings())) as source:
        return source.head()


def _newest_in(folder: Folder) -> str | None:
    try:
        with closing(
            LocalRepository(
                Path(folder.path),
                folder.branch,
                setting="",
                timeout=folder.timeout,
                heap=folder.memory,
            )
        ) as repository:
            return repository.head()
    except SourceError:
        return None
