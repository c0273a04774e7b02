"""What of the configuration it takes to check manifests, kept in git's own folder.

A hook checks a file or two for each commit; half of that would be checking the configuration, with pydantic.
It is checked as a whole whenever it is another one; no secret is kept, and nothing that is made of one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.app.repository import budgets_of
from reconciler.budgets import Budgets
from reconciler.errors import SourceError
from reconciler.private import make_directory
from reconciler.source.layout import discover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.settings import Configuration
    from reconciler.settings.raw import RawConfiguration


class Place(NamedTuple):
    """A directory, and the edition and strictness that judge what is in it."""

    path: str
    edition: str
    strict_config: bool


class Checking(NamedTuple):
    """What it takes.

    Attributes:
        repo: where the repository is, as configured.
        targets: by name, all that are configured.
        budgets: how much is read and told.
        warnings: on what is doubtful in the configuration.
    """

    repo: str
    targets: Mapping[str, Place]
    budgets: Budgets
    warnings: tuple[str, ...]


def checking_by(raw: RawConfiguration, load: Callable[[], Configuration]) -> Checking:
    """What a configuration says of checking: as it is kept, or as `load` gives it, which is then kept.

    Raises:
        ConfigurationError: by `load`.
    """
    where = _where(raw)
    kept = where and _read(*where)
    if kept is None:
        kept = _checking(load())
        if where:
            _write(*where, kept)
    return kept


def _checking(configuration: Configuration) -> Checking:
    targets = configuration.settings.targets
    places = {name: Place(one.path, one.edition, one.strict_config) for name, one in targets.items()}
    repo = configuration.settings.source.repo
    return Checking(repo, places, budgets_of(configuration), configuration.warnings)


def _where(raw: RawConfiguration) -> tuple[Path, list[Any]] | None:
    """The file that it is kept in, and what it has to be of; None where the user has no repository there.

    Whenever the configuration is written anew, it is checked anew: a secret that is another may be a wrong
    one. For the same reason nothing is kept where variables are settings.
    """
    if raw.variables:
        return None
    try:
        folder = discover(raw.base / (raw.text("source", "repo") or ".")).common_dir
        if folder.stat().st_uid != os.geteuid():
            return None
        status = None if raw.file is None else raw.file.stat()
        written = () if status is None else (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        return folder / "reconciler" / "settings.json", [raw.fingerprint(), *written]
    except (OSError, SourceError, ValueError, RecursionError):
        return None


def _read(file: Path, by: list[Any]) -> Checking | None:
    """What is kept, if it is of this configuration and can be understood."""
    try:
        kept = json.loads(file.read_bytes())
        if kept["by"] != by:
            return None
        places = {name: Place(*values) for name, values in kept["targets"].items()}
        return Checking(kept["repo"], places, Budgets(**kept["budgets"]), tuple(kept["warnings"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _write(file: Path, by: list[Any], checking: Checking) -> None:
    """Keeps it, in a file that is complete before it has its name; nothing where none can be made."""
    facts = checking._asdict() | {"by": by, "budgets": checking.budgets._asdict()}
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        make_directory(file.parent)
        new.write_text(json.dumps(facts), "utf-8")
        new.replace(file)
