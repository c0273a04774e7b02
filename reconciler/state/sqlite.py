"""A state in a SQLite file: made whole or not at all, written under a lock, read beside a live writer.

The database file itself is never opened here except by SQLite: POSIX drops every lock that a process has on a
file when the process closes any descriptor of it. The one exception, a copy out of a read-only directory, is
made only where no writer can be in this process.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import tempfile
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, delete, event, false
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, Pool, QueuePool, StaticPool

from reconciler.errors import StateError
from reconciler.private import make_directory, make_file
from reconciler.state.database import Database
from reconciler.state.errors import UNREADABLE, explained
from reconciler.state.identity import establish, verify
from reconciler.state.sqlite_file import FileLock, is_whole, open_file
from reconciler.state.tables import meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from sqlalchemy.engine import Connection, Engine

    from reconciler.state.address import SqliteFile

_COPY_ATTEMPTS = 5
_READ_ONLY_DIRECTORY = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})


def open_writer(file: SqliteFile, now: datetime) -> Database:
    """Takes the lock, makes the file if there is none, and opens it to write."""
    with explained(file), ExitStack() as closing:
        _make_directory(file.path.parent)
        lock = FileLock(file.path.with_name(file.path.name + ".lock"), now=now)
        closing.callback(lock.release)  # first in, so last out: the next writer finds no connection of ours
        if not _exists(file):
            _create(file.path, now)
        engine = _engine(partial(open_file, file.path))
        closing.callback(engine.dispose)
        # at once: one that reads first and writes later would lose to a release that came between, or undo it
        writer = engine.connect().execution_options(begin="BEGIN IMMEDIATE")
        closing.callback(writer.close)
        with writer.begin():
            # first: a migration makes the database longer than the file; the snapshot is fixed by `IMMEDIATE`
            _ensure_whole(writer, file)
            verify(writer, file, migrates=True)
            _ensure_writable_and_sound(writer, file)
        # readers neither wait for the writer nor hold it up
        driver: Any = writer.connection.driver_connection  # for what SQLite does only outside a transaction
        driver.execute("PRAGMA journal_mode = WAL")
        driver.execute("SELECT 1 FROM sqlite_schema").fetchone()  # the log is made when it is first used
        ensure_ours = partial(_ensure_same, file, _identities(file, "", *_LOG_FILES), lock.held)
        return Database(
            file, engine, closing.pop_all(), writer=partial(_begun, writer), ensure_ours=ensure_ours
        )


def open_for_release(file: SqliteFile) -> Database:
    """Opens an existing file to write beside its writer: without the lock, one transaction at a time."""
    with explained(file), ExitStack() as closing:
        if not _exists(file):
            raise StateError(f"state {file} does not exist yet. Try again.")
        engine = _engine(partial(open_file, file.path))
        closing.callback(engine.dispose)
        # reads only: a busy writer does not keep it out
        with engine.connect() as connection, connection.begin():
            verify(connection, file)
        writer = engine.connect().execution_options(begin="BEGIN IMMEDIATE")
        closing.callback(writer.close)
        ensure_ours = partial(_ensure_same, file, _identities(file, ""))
        return Database(
            file, engine, closing.pop_all(), writer=partial(_begun, writer), ensure_ours=ensure_ours
        )


@contextmanager
def _begun(writer: Connection, _: bool) -> Iterator[Connection]:
    """A transaction of the one connection that writes."""
    with writer.begin():
        yield writer


def side_files(file: SqliteFile) -> tuple[Path, ...]:
    """The files of which at least one changes whenever any process commits."""
    return file.path, file.path.with_name(file.path.name + "-wal")


def open_reader(file: SqliteFile, now: datetime) -> Database:
    """Opens the file to read, without a lock; one that does not exist is an empty state and stays absent."""
    with explained(file), ExitStack() as closing:
        exists = _exists(file)
        engine = _readable(file, closing) if exists else in_memory(now)
        closing.callback(engine.dispose)
        with engine.connect() as connection, connection.begin():
            # first, unlike `open_writer`: a plain BEGIN fixes the snapshot at the first read, and a commit
            # between the look for a log and the count of pages would make a sound file seem too short
            verify(connection, file)
            if exists:
                _ensure_whole(connection, file)
        return Database(file, engine, closing.pop_all(), exists=exists)


def _exists(file: SqliteFile) -> bool:
    """Whether there is a file to open; anything else of that name is refused."""
    try:
        mode = file.path.stat().st_mode
    except FileNotFoundError:
        return False
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise StateError(f"state {file} is {kind}, not a file. Name a file in state.url.")
    return True


def _make_directory(directory: Path) -> None:
    """Makes the directory and its parents, for the owner only and unseen by git."""
    made = make_directory(directory)
    if made:
        (made[0] / ".gitignore").write_text("*\n", encoding="ascii")


def _create(path: Path, now: datetime) -> None:
    """Makes a new state under another name, complete and on disk, and only then gives it its own.

    A process that dies here leaves no half-made state, so an empty file of that name is always damage. What
    SQLite left behind for a state that is gone is removed first: it would be replayed into the new one.
    """
    new = path.with_name(path.name + ".new")
    for stale in (new, *(base.with_name(base.name + end) for base in (path, new) for end in _SIDE_FILES)):
        stale.unlink(missing_ok=True)
    make_file(new)
    engine = _engine(partial(open_file, new), NullPool)
    with engine.begin() as connection:
        establish(connection, now)
    # the commit was synced (`synchronous = FULL`), so the content is on disk: after an earlier rename, a
    # power cut could leave the name without it, and the next start would call the state damaged
    new.rename(path)
    # the name, too: a power cut must not take away a state whose intents were believed to be on disk
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


_LOG_FILES = ("-wal", "-shm")
_SIDE_FILES = (*_LOG_FILES, "-journal")


def _engine(connect: Callable[[], sqlite3.Connection], pool: type[Pool] = QueuePool) -> Engine:
    """An engine whose transactions begin when they are begun, and as the connection's options say."""
    engine = create_engine("sqlite://", creator=connect, poolclass=pool, hide_parameters=True)

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    event.listen(engine, "begin", begin)
    return engine


def in_memory(now: datetime) -> Engine:
    """An empty state that is nowhere on disk."""
    connect = partial(sqlite3.connect, ":memory:", isolation_level=None, check_same_thread=False)
    engine = _engine(connect, StaticPool)
    with engine.begin() as connection:
        establish(connection, now)
    return engine


def _readable(file: SqliteFile, closing: ExitStack) -> Engine:
    """An engine on the file, or on a copy where SQLite may not put its side files beside it."""
    engine = _engine(partial(open_file, file.path, only_read=True))
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
    except DBAPIError as error:
        engine.dispose()
        code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        if code not in _READ_ONLY_DIRECTORY or os.access(file.path.parent, os.W_OK):
            raise
        return _engine(partial(open_file, _copy(file, closing), only_read=True))
    return engine


def _copy(file: SqliteFile, closing: ExitStack) -> Path:
    """A private copy of the file and its write-ahead log, of one moment.

    As long as the file itself is not written to while both are copied, nothing moves from the log into it,
    and the log only grows at its end, where SQLite ignores what is incomplete.
    """
    place = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="reconciler-state-")))
    log = file.path.with_name(file.path.name + "-wal")
    for _ in range(_COPY_ATTEMPTS):
        before = _version(file.path)
        copy = shutil.copyfile(file.path, place / "state.db")
        (place / "state.db-wal").unlink(missing_ok=True)
        if log.exists():
            shutil.copyfile(log, place / "state.db-wal")
        if _version(file.path) == before:
            return copy
    raise StateError(
        f"state {file} changes too quickly to be copied out of its read-only directory. Run again."
    )


def _ensure_whole(connection: Connection, file: SqliteFile) -> None:
    driver: Any = connection.connection.driver_connection
    if not is_whole(file.path, driver):
        raise StateError(f"state {file} {UNREADABLE}")


def _ensure_writable_and_sound(connection: Connection, file: SqliteFile) -> None:
    """Refuses to write to a file with damaged pages; about a millisecond a megabyte.

    SQLite opens a read-only file without an error: only a statement that writes fails.
    """
    connection.execute(delete(meta).where(false()))
    if connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
        raise StateError(f"state {file} {UNREADABLE}")


def _version(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _identities(file: SqliteFile, *endings: str) -> dict[Path, os.stat_result]:
    """What the files whose names end so are; where the disk takes no write-ahead log, there is none."""
    paths = (file.path.with_name(file.path.name + ending) for ending in endings)
    return {path: path.stat() for path in paths if path.exists()}


def _ensure_same(
    file: SqliteFile, opened: Mapping[Path, os.stat_result], held: Callable[[], bool] = lambda: True
) -> None:
    """Raises StateError if the state, its log or its lock was deleted or replaced under a running writer.

    No other process sees what is written to a deleted log, and it is lost when this process ends.
    """
    try:
        same = held() and all(os.path.samestat(path.stat(), facts) for path, facts in opened.items())
    except FileNotFoundError:
        same = False
    if not same:
        raise StateError(
            f"state {file}, its log or its lock file was deleted or replaced while it was open; nothing more "
            "is written to it. Run again: the next cycle learns from the registry what is registered."
        )
