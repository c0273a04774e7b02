"""Where a state lies: `state.url` as a SQLite file or a PostgreSQL database, and its name for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import StateError
from reconciler.printable import printable
from reconciler.redaction import remember

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_FILE = "sqlite:///"
_FORMS = "Write state.url as sqlite:///path/to/state.db or postgresql+psycopg://user@host/database."


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file of this machine, by absolute path without symbolic links, so that one file has one lock."""

    path: Path

    def __str__(self) -> str:
        return printable(str(self.path))


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """A database of a PostgreSQL server; its text form leaves out the user, the password and all options."""

    url: URL

    def __str__(self) -> str:
        port = f":{self.url.port}" if self.url.port else ""
        return printable(f"postgresql://{self.url.host or ''}{port}/{self.url.database or ''}")


Address = SqliteFile | PostgresDatabase


def parse(url: str) -> Address:
    """Reads `state.url`.

    Raises:
        StateError: not a URL, or one of a database that cannot hold the state. The URL itself is not
            repeated, for it may carry a password.
    """
    if url.startswith(_FILE) and "?" not in url:
        return _sqlite(url.removeprefix(_FILE))
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - which a plain file does not need
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        parsed = make_url(url)
        backend, driver = parsed.get_backend_name(), parsed.drivername.partition("+")[2]
    except (ArgumentError, ValueError):
        raise StateError(f"state.url cannot be read as a URL. {_FORMS}") from None
    if backend == "sqlite" and driver in ("", "pysqlite"):
        return _sqlite("" if parsed.host or parsed.query else parsed.database or "")
    if backend == "postgresql" and driver in ("", "psycopg"):
        remember(parsed.password or "")
        return PostgresDatabase(parsed.set(drivername="postgresql+psycopg"))
    raise StateError(
        f"state.url names a database this program cannot use: {printable(parsed.drivername)!r}. {_FORMS}"
    )


def _sqlite(name: str) -> SqliteFile:
    if not name or "\0" in name or name == ":memory:" or name.startswith("file:"):
        raise StateError(f"state.url must name a plain file after sqlite:///, without options. {_FORMS}")
    return SqliteFile(Path(name).expanduser().resolve())
