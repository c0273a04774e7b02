"""Whether there is anything to do at all: told from the last cycle's note, before anything heavy is loaded.

The note says at which commit and position of the journal every model was at rest, by which settings, and
until when that is believed. While all of it still holds, a cycle would look at nothing but what it would
find as it was. A cycle looks at the list of few models each time, and so does this, by one request.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.app.repository import source_of
from reconciler.contract import rules_version
from reconciler.engine.values import IdleMark, Verdict
from reconciler.state.peek import peek

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.registry import CredentialCooldown
    from reconciler.settings import Configuration
    from reconciler.state.peek import Peek

MARK = "at-rest"
"""The name of the mark that holds the note; it belongs to no target."""


@dataclass(slots=True)
class Tried:
    """What a check learnt on its way, for the cycle that follows.

    Attributes:
        cooldown: which credentials were refused; None where none was sent.
    """

    cooldown: CredentialCooldown | None = None


def noop_check(
    configuration: Configuration,
    target: str | None,
    tried: Tried,
) -> IdleMark | None:
    """The rest that the last cycle left everything at, while it lasts; None when a cycle has to look.

    Args:
        configuration: what is configured.
        target: the one target that is meant; None for all.
        tried: is told what was learnt, for the cycle that may follow.

    Raises:
        SourceError: git could not be read.
    """
    seen = peek(configuration.state_url, MARK)
    names = configuration.chosen(target)
    rest = None if seen is None else _told(configuration, names, seen)
    if seen is None or rest is None or not rest.at <= seen.at < rest.until:
        return None
    with closing(source_of(configuration)) as source:
        if source.head() != rest.commit:
            return None
    # an embedded registry was seen by its files
    asked = {name: word for name, word in rest.lists.items() if configuration.settings.targets[name].endpoint}
    if asked:
        from reconciler.app.registry_look import are_as_listed  # noqa: PLC0415 - brings the HTTP client

        is_same, tried.cooldown = are_as_listed(configuration, asked)
        return rest if is_same else None
    return rest


def _told(configuration: Configuration, names: tuple[str, ...], seen: Peek) -> IdleMark | None:
    """What the note says; None where there is none, or it is of other settings or another journal."""
    try:
        mark = json.loads(seen.note or "")
        rest = IdleMark(
            datetime.fromisoformat(mark["at"]),
            datetime.fromisoformat(mark["until"]),
            str(mark["commit"]),
            str(mark["digest"]),
            int(mark["position"]),
            {Verdict(word): int(number) for word, number in mark["numbers"].items()},
            {str(name): str(word) for name, word in mark["lists"].items()},
        )
        by = [rest.position, mark["by"], mark["files"]]
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    now = [seen.position, _fingerprint(configuration, names), _files(configuration, names)]
    return rest if by == now and rest.lists.keys() <= set(names) else None


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
            "lists": dict(rest.lists),
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
