"""The note on a cycle that left everything at rest, for the next `apply`, which reads it before the settings.

It holds what the settings came to, as far as it takes to see that nothing has moved, and no secret: where one
is needed, it is read where it stands. The note says at which commit and position of the journal every model
was at rest, by which settings, and until when that is believed. While all of it still holds, a cycle would
find everything as it was. Where there are few models, a cycle reads the registry's list each time; so does
the check, by one request.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.contract import rules_version
from reconciler.engine.values import IdleMark, Verdict
from reconciler.errors import SourceError
from reconciler.source.backend import LocalRepository
from reconciler.state.peek import peek
from reconciler.times import read_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.registry import CredentialCooldown
    from reconciler.settings import Configuration, ModelArtsTarget
    from reconciler.settings.raw import RawConfiguration
    from reconciler.state.peek import Peek

NOOP_MARK = "at-rest"
"""The name of the mark that holds the note, as states have it stored; it belongs to no target."""


class Access(NamedTuple):
    """How one target's registry is reached, without the credentials; all times in seconds."""

    endpoint: str
    project_id: str
    workspace_id: str
    page_size: int
    in_flight: int
    rate: float
    read_rate: float
    timeout: float


def access_of(target: ModelArtsTarget) -> Access:
    """How the registry of a target is reached."""
    return Access(
        target.endpoint,
        target.project_id,
        target.workspace_id,
        target.page_size,
        target.in_flight,
        target.rate,
        target.read_rate,
        target.timeout.total_seconds(),
    )


class Folder(NamedTuple):
    """A repository on this machine, as far as it takes to tell its newest commit.

    Attributes:
        path: where it is, absolute.
        branch: the branch to follow; None for its HEAD.
        timeout: seconds that git may stay silent.
        memory: bytes that git may allocate.
    """

    path: str
    branch: str | None
    timeout: float
    memory: int


@dataclass(frozen=True, slots=True)
class NoopNote:
    """What the note says.

    Attributes:
        mark: where the cycle ended, and until when the note holds.
        by: all that a cycle depends on beside git, journal, registries and secrets.
        names: the targets that the cycle worked on.
        is_all: whether these are all that are configured.
        warnings: on what is doubtful in the configuration.
        files: size and time of the embedded registries' own files: they change when anybody else uses them.
        folder: where the commits are; None where they are behind a URL.
        services: how each registry that is a service is reached, by target; None where only the settings
            say it.
    """

    mark: IdleMark
    by: str
    names: tuple[str, ...]
    is_all: bool
    warnings: tuple[str, ...]
    files: Mapping[str, list[int]]
    folder: Folder | None
    services: Mapping[str, Access | None]

    def is_of(self, raw: RawConfiguration, target: str | None) -> bool:
        """Whether a cycle over this target, or over all where None, would depend on the same."""
        is_same = self.is_all if target is None else self.names == (target,)
        return is_same and self.by == _by(raw.fingerprint())

    def holds(self, state: Peek) -> bool:
        """Whether it is the time of the note, and nothing was journalled and no file written since."""
        is_now = self.mark.at <= state.at < self.mark.until
        return is_now and self.mark.position == state.position and _stamps(self.files) == self.files


def noop_note(configuration: Configuration, names: tuple[str, ...], mark: IdleMark) -> NoopNote:
    """The note on a cycle over these targets; made once the registries are closed."""
    targets = configuration.settings.targets
    databases = filter(None, map(configuration.registry_file, names))
    files = [str(file) for one in databases for file in (one, one.with_name(f"{one.name}-wal"))]
    return NoopNote(
        mark,
        _by(configuration.fingerprint),
        names,
        names == tuple(targets),
        configuration.warnings,
        _stamps(files),
        _folder(configuration),
        _services(configuration, names),
    )


def written(note: NoopNote) -> str:
    """The note as the state keeps it."""
    facts = _facts(note.mark) | _facts(note)
    del facts["mark"]
    return json.dumps(facts, default=datetime.isoformat)


def read(text: str | None) -> NoopNote | None:
    """The note that the state keeps; None where there is none, or it is not to be understood."""
    try:
        facts = json.loads(text or "")
        mark = IdleMark(
            read_time(facts["at"]),
            read_time(facts["until"]),
            str(facts["commit"]),
            str(facts["digest"]),
            int(facts["position"]),
            {Verdict(word): int(number) for word, number in facts["numbers"].items()},
            {str(name): str(word) for name, word in facts["lists"].items()},
        )
        return NoopNote(
            mark,
            str(facts["by"]),
            tuple(map(str, facts["names"])),
            facts["is_all"] is True,
            tuple(map(str, facts["warnings"])),
            dict(facts["files"]),
            _folder_read(facts["folder"]),
            {str(name): values and _access_read(*values) for name, values in facts["services"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _facts(value: NoopNote | IdleMark) -> dict[str, Any]:
    return {fact.name: getattr(value, fact.name) for fact in fields(value)}


def _services(configuration: Configuration, names: tuple[str, ...]) -> dict[str, Access | None]:
    from reconciler.app.registries import kind_of  # noqa: PLC0415 - to write a note, not to read one

    targets = configuration.settings.targets
    return {
        name: kind_of(configuration, name).access(targets[name])
        for name in names
        if not targets[name].is_local
    }


def _by(fingerprint: str) -> str:
    return f"{rules_version()} {fingerprint}"


def _folder(configuration: Configuration) -> Folder | None:
    from reconciler.remote import parse_remote  # noqa: PLC0415 - to write a note, not to read one

    section, limits = configuration.settings.source, configuration.settings.limits
    if parse_remote(section.repo) is not None:
        return None
    path = str(configuration.base / section.repo)
    return Folder(path, section.branch, section.timeout.total_seconds(), limits.git_memory)


def _folder_read(values: list[Any] | None) -> Folder | None:
    if values is None:
        return None
    path, branch, timeout, memory = values
    return Folder(str(path), None if branch is None else str(branch), float(timeout), int(memory))


def _access_read(endpoint: str, project: str, workspace: str, *numbers: float) -> Access:
    page, in_flight, rate, read_rate, timeout = numbers
    texts = (str(endpoint), str(project), str(workspace))
    return Access(*texts, int(page), int(in_flight), float(rate), float(read_rate), float(timeout))


def _stamps(files: Iterable[str]) -> dict[str, list[int]]:
    return {file: _stamp(Path(file)) for file in files}


def _stamp(file: Path) -> list[int]:
    try:
        status = file.stat()
    except (OSError, ValueError):
        return []
    return [status.st_size, status.st_mtime_ns]


def noop_check(
    raw: RawConfiguration, target: str | None, settings: Callable[[], Configuration]
) -> tuple[NoopNote | None, CredentialCooldown | None]:
    """The note on how the last cycle left everything, while it holds; None when a cycle has to look.

    Also which credentials were refused, for that cycle; None where none was sent. `settings` gives the
    configuration, checked, where a remote repository is followed.

    Raises:
        ConfigurationError, RecursionError: the configuration is wrong.
        SourceError: git could not be read.
    """
    state = peek(raw.state_url, NOOP_MARK)
    note = None if state is None else read(state.note)
    if state is None or note is None or not note.holds(state) or not note.is_of(raw, target):
        return None, None
    if _newest(note, settings) != note.mark.commit:
        return None, None
    # an embedded registry was seen by its files
    asked = {name: word for name, word in note.mark.lists.items() if name in note.services}
    if not asked:
        return note, None
    from reconciler.app.registries import are_as_listed  # noqa: PLC0415 - brings the HTTP client

    is_same, cooldown = are_as_listed(raw, note.services, asked)
    return note if is_same else None, cooldown


def _newest(note: NoopNote, settings: Callable[[], Configuration]) -> str | None:
    """The branch's newest commit; None where a folder cannot be read: a cycle says why.

    Raises SourceError where a remote repository could not be asked: a cycle would not do better.
    """
    if note.folder is None:
        from reconciler.app.repository import source_of  # noqa: PLC0415 - only where commits are behind a URL

        with closing(source_of(settings())) as source:
            return source.head()
    path, branch, timeout, memory = note.folder
    try:
        with closing(
            LocalRepository(Path(path), branch, setting="", timeout=timeout, heap=memory)
        ) as repository:
            return repository.head()
    except SourceError:
        return None
