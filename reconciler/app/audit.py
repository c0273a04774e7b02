"""What happened, written into git's notes: from the journal, as far as it was not yet, and pushed.

The journal is what is to be written, and a mark says how far it was. A crash in between writes lines that are
there already, which changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from reconciler.app.credentials import push_url
from reconciler.app.repository import source_of
from reconciler.backoff import Backoff
from reconciler.engine.concurrency import beside
from reconciler.engine.note_lines import events_of, note_line
from reconciler.errors import ConfigurationError, GuardError, ReconcilerError, SourceError
from reconciler.log import log
from reconciler.redaction import remember, unexpected
from reconciler.remote import Remote, parse_remote, require_remote
from reconciler.source.notes import shared_notes
from reconciler.state import open_state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reconciler.engine.clock import Clock
    from reconciler.engine.values import Event
    from reconciler.settings import Configuration
    from reconciler.source import GitSource
    from reconciler.source.notes import Notes
    from reconciler.state import SqlLedger

T = TypeVar("T")

MARK = "audit-position"
"""The mark that says up to which event of the journal the notes were written, and what was their tip then.

It belongs to no target."""
_EVENTS_AT_ONCE = 20_000
_OVERLAP = 100  # events before the mark that are looked at again: others may write a number late
_BACKOFF = Backoff(5.0, 300.0)
_SHA256_DIGITS = 64
_BEGUN_ANEW = (
    "the repository of git's notes was damaged, and is made anew from the journal and from audit.push_url; "
    "the damaged one is {moved}, and may be deleted"
)


def notes_of(configuration: Configuration, source: GitSource, ref: str) -> Notes:
    """The notes under the ref that is configured; the caller closes them.

    Where no commit was read yet, the branch is read, for its ids are as long as those of the notes.

    Raises:
        ConfigurationError: there is nowhere to write them, or the URL is refused.
        SourceError: git could not be read.
    """
    remote = notes_remote(configuration)
    if remote is None:
        return source.notes_at(ref)
    timeout = configuration.settings.source.timeout.total_seconds()
    folder = configuration.state_dir / "notes"
    if source.last_head() is None:
        with suppress(GuardError):  # an id that is not trusted is as long
            source.head()
    sha256 = len(source.last_head() or "") == _SHA256_DIGITS
    return shared_notes(remote, ref, folder, timeout=timeout, sha256=sha256)


def notes_remote(configuration: Configuration) -> Remote | None:
    """Where notes are pushed to; None where they are written into the source's own repository.

    Raises:
        ConfigurationError: that is nowhere, or the URL is refused.
    """
    audit = configuration.settings.audit
    url = push_url(configuration.base, audit)
    if url is None:
        if parse_remote(configuration.settings.source.repo) is not None:
            raise ConfigurationError(
                "audit.push_url is missing: source.repo is a URL, and nobody would see notes in its mirror"
            )
        return None
    with configuration.located("audit", "push_url", table="audit.push_url"):
        remote = require_remote(url)
    for piece in remote.secrets:
        remember(piece)
    return remote


@dataclass(slots=True)
class Audit:
    """Writes the notes of one state; in one thread at a time."""

    ledger: SqlLedger
    notes: Notes
    clock: Clock
    on_note: Callable[[str], None]

    def write(self) -> None:
        """Writes what was journalled since the last time, and pushes it.

        A repository of notes that is damaged is made anew, from the journal and from what the remote has.

        Raises:
            SourceError: git could not write or push; what is left is done the next time.
            StateError: the state could not be used.
        """
        mended(self.notes, self._write, self.on_note)

    def _write(self) -> None:
        position, newest = self._position(), self.ledger.position()
        while position < newest:
            since = max(0, position - _OVERLAP)
            events = self.ledger.events_after(since, _EVENTS_AT_ONCE)
            lines: defaultdict[str, list[str]] = defaultdict(list)
            for _, event in events:
                if event.commit is not None:
                    lines[event.commit].append(note_line(event))
            self.notes.add(lines, self.clock.now())
            position = max((position for position, _ in events), default=newest)
            self.ledger.mark("", MARK, _mark(position, self.notes))
        self.notes.publish()
        with suppress(SourceError):  # it is written; the next write finds that packing is still due
            self.notes.tidy()

    def _position(self) -> int:
        """Up to which event all is written: none, if the notes lost what the mark says was written.

        What was lost here, or was written on another machine, the remote may have.
        """
        position, _, tip = self.ledger.marks("").get(MARK, "").partition(" ")
        if tip and not self.notes.contain(tip):
            with suppress(SourceError):  # without it, all is written again
                self.notes.fetch()
        return int(position) if tip and self.notes.contain(tip) else 0


def mended(notes: Notes, work: Callable[[], T], on_note: Callable[[str], None]) -> T:
    """Does what reads or writes the notes; once more if their repository was damaged and is made anew.

    Raises:
        SourceError: git failed for another reason.
    """
    if (moved := notes.recover()) is not None:
        on_note(_BEGUN_ANEW.format(moved=moved))
    try:
        return work()
    except SourceError as error:
        if (moved := notes.replace_damaged(error)) is None:
            raise
        on_note(_BEGUN_ANEW.format(moved=moved))
        return work()


def _mark(position: int, notes: Notes) -> str:
    return f"{position} {notes.tip or ''}".strip()


@asynccontextmanager
async def auditing(
    configuration: Configuration, source: GitSource, ledger: SqlLedger, clock: Clock
) -> AsyncIterator[Callable[[], None]]:
    """Writes notes while the block runs; gives what says that there may be something to write.

    A task of its own, and git in a thread of its own: no tick waits for a push.

    Raises:
        ConfigurationError: there is nowhere to write them, or the URL is refused.
    """
    ref = configuration.settings.audit.notes
    if ref is None:
        yield lambda: None
        return
    await asyncio.to_thread(notes_remote, configuration)
    woken = asyncio.Event()
    woken.set()
    opened = ExitStack()

    @cache
    def audit() -> Audit:
        notes = opened.enter_context(closing(notes_of(configuration, source, ref)))
        return Audit(ledger, notes, clock, lambda text: log.warning("notes are made anew", error=text))

    def write() -> None:
        if source.last_head() is not None:  # until a tick has read the branch, which may be away
            audit().write()

    async with beside(_serve(write, woken), "audit"):
        with opened:  # what git still does is ended before the task that waits for it
            yield woken.set


async def _serve(write: Callable[[], None], woken: asyncio.Event) -> None:
    failures = 0
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(_BACKOFF.seconds(failures) if failures else None):
                await woken.wait()
        woken.clear()
        problem: str | None = None
        try:
            await asyncio.to_thread(write)
        except Exception as error:  # noqa: BLE001 - one mistake must not end what writes
            problem = str(error) if isinstance(error, ReconcilerError) else unexpected(error)
        if problem is None:
            if failures:
                log.info("notes are written again")
            failures = 0
        else:
            say = log.debug if failures else log.warning
            failures += 1
            say("notes not written", error=problem, next_attempt_in=round(_BACKOFF.seconds(failures)))


def write_once(
    configuration: Configuration,
    source: GitSource,
    ledger: SqlLedger,
    clock: Clock,
    on_note: Callable[[str], None],
) -> None:
    """Writes what is to be written, once. Raises ConfigurationError, SourceError, StateError.

    `on_note` is called with a sentence when the repository of notes was damaged.
    """
    ref = configuration.settings.audit.notes
    if ref is not None:
        with closing(notes_of(configuration, source, ref)) as notes:
            Audit(ledger, notes, clock, on_note).write()


def restore(configuration: Configuration, on_note: Callable[[str], None]) -> tuple[int, int]:
    """Journals what the notes tell, in a state that knows nothing; gives how many events, and lines unread.

    `on_note` is called with a sentence when the repository of notes was damaged.

    Raises:
        ConfigurationError: no notes are configured, or the state has a journal already.
        StateLockedError: another process writes the state.
        SourceError, StateError: git or the state could not be used.
    """
    ref = configuration.settings.audit.notes
    if ref is None:
        raise ConfigurationError("audit.notes is not configured: there is nothing to rebuild from")
    with ExitStack() as stack:
        source = stack.enter_context(closing(source_of(configuration)))
        notes = stack.enter_context(closing(notes_of(configuration, source, ref)))
        ledger = stack.enter_context(closing(open_state(configuration.state_url, writer=True)))
        found = None if ledger.position() else mended(notes, lambda: _fetched(notes), on_note)
        if found is None or not ledger.restore(found[0]):
            raise ConfigurationError(
                "the state has a journal already: `state rebuild` without --from-notes makes its ledger anew"
            )
        ledger.mark("", MARK, _mark(ledger.position(), notes))
        events, unread = found
        return len(events), unread


def _fetched(notes: Notes) -> tuple[list[Event], int]:
    notes.fetch()
    return events_of(notes.read())
