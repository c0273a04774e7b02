"""Whether there is anything to do at all: told from the last cycle's note, before anything heavy is loaded.

The note says at which commit and position of the journal every model was at rest, by which settings, and
until when that is believed. While all of it still holds, a cycle would look at nothing but what it would
find as it was.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.app.repository import source_of
from reconciler.contract import rules_version
from reconciler.engine.values import IdleMark, Verdict
from reconciler.state.peek import peek

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.settings import Configuration

MARK = "at-rest"
"""The name of the mark that holds the note; it belongs to no target."""


def noop_check(
    configuration: Configuration, target: str | None, now: datetime | None = None
) -> IdleMark | None:
    """The rest that the last cycle left everything at, while it lasts; None when a cycle has to look.

    Raises:
        SourceError: git could not be read.
    """
    seen = peek(configuration.state_url, MARK)
    if seen is None or seen.note is None:
        return None
    try:
        mark = json.loads(seen.note)
        rest = IdleMark(
            datetime.fromisoformat(mark["at"]),
            datetime.fromisoformat(mark["until"]),
            str(mark["commit"]),
            str(mark["digest"]),
            int(mark["position"]),
            {Verdict(word): int(number) for word, number in mark["numbers"].items()},
        )
        by = [rest.position, mark["by"], mark["files"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    names = configuration.chosen(target)
    if by != [seen.position, _fingerprint(configuration, names), _files(configuration, names)]:
        return None
    if not rest.at <= (now or datetime.now(UTC)) < rest.until:
        return None
    with closing(source_of(configuration)) as source:
        return rest if source.head() == rest.commit else None


def note(configuration: Configuration, names: tuple[str, ...], rest: IdleMark) -> str:
    """The note on a cycle that left everything at rest; made once the registries are closed."""
    return json.dumps(
        {
            "at": rest.at.isoformat(),
            "until": rest.until.isoformat(),
            "commit": rest.commit,
            "digest": rest.digest,
            "position": rest.position,
            "numbers": {verdict.value: number for verdict, number in rest.numbers.items()},
            "by": _fingerprint(configuration, names),
            "files": _files(configuration, names),
        }
    )


def _fingerprint(configuration: Configuration, names: tuple[str, ...]) -> str:
    """Changes with whatever a cycle depends on beside git, journal and registry; secrets are masked."""
    facts = [
        rules_version,
        str(configuration.base),
        *names,
        configuration.settings.model_dump_json(),
    ]
    return hashlib.sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()


def _files(configuration: Configuration, names: tuple[str, ...]) -> list[list[int]]:
    """Size and time of the embedded registries' own files: they change when anybody else uses them."""
    files = []
    for name in names:
        if configuration.settings.targets[name].endpoint is None:
            database = configuration.embedded_database(name)
            files += [_seen(file) for file in (database, database.with_name(f"{database.name}-wal"))]
    return files


def _seen(file: Path) -> list[int]:
    try:
        status = file.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]
