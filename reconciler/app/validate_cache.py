"""What of the configuration it takes to check manifests, kept in git's own folder.

A hook checks a file or two for each commit; half of that would be checking the configuration, with pydantic.
It is checked as a whole whenever it is another one; no secret is kept, and nothing that is made of one.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.app.repository import budgets_of
from reconciler.budgets import DEFAULTS, Budgets
from reconciler.contract.rules_identity import RULES
from reconciler.errors import SourceError
from reconciler.private import read_own, replacing
from reconciler.source.git_files import discover

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.settings import Configuration
    from reconciler.settings.raw import RawConfiguration

_DECLARED = [Path(__file__).parents[1] / "settings" / name for name in ("tables.py", "targets.py")]
"""Where the defaults stand: they may change within one version of a program that runs from its sources."""


class Place(NamedTuple):
    """A directory, and the edition and strictness that judge what is in it."""

    path: str
    edition: str
    strict_config: bool


class ValidateSettings(NamedTuple):
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


def validate_settings(raw: RawConfiguration, load: Callable[[], Configuration]) -> ValidateSettings:
    """What a configuration says of checking: as it is kept, or as `load` gives it, which is then kept.

    Raises:
        ConfigurationError: by `load`.
    """
    where = _where(raw)
    kept = where and _read(*where)
    if kept is None:
        configuration = load()
        settings = configuration.settings
        places = {
            name: Place(one.path, one.edition, one.strict_config) for name, one in settings.targets.items()
        }
        budgets = budgets_of(configuration)
        kept = ValidateSettings(settings.source.repo, places, budgets, configuration.warnings)
        if where:
            _write(*where, kept)
    return kept


def _where(raw: RawConfiguration) -> tuple[Path, str] | None:
    """The file that it is kept in, and what it has to be of; None where the user has no work tree there.

    Whenever the configuration is written anew, it is checked anew: a secret that is another may be a wrong
    one. For the same reason nothing is kept where variables are settings. Work trees and configurations have
    files of their own, 256 at most.
    """
    if raw.variables:
        return None
    try:
        layout = discover(raw.base / (raw.text("source", "repo") or "."))
        if layout.top is None or layout.common_dir.stat().st_uid != os.geteuid():
            return None
        status = None if raw.file is None else raw.file.stat()
        written = () if status is None else (status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        program = [RULES, DEFAULTS, *(file.stat().st_mtime_ns for file in _DECLARED)]
        name = f"settings-{_digest([str(raw.base), str(raw.file), raw.is_given])[:2]}.json"
        return layout.kept_dir / name, _digest([raw.fingerprint(), written, program])
    except (OSError, SourceError, ValueError, RecursionError):
        return None


def _digest(facts: object) -> str:
    return sha256(json.dumps(facts).encode()).hexdigest()


def _read(file: Path, by: str) -> ValidateSettings | None:
    """What is kept, if it is of this configuration and exactly as it was written."""
    try:
        seal, _, text = read_own(file).partition(b"\n")
        if seal.decode() != _digest([by, text.decode()]):
            return None
        repo, targets, budgets, warnings = json.loads(text)
    except (OSError, ValueError):
        return None
    places = {name: Place(*values) for name, values in targets.items()}
    return ValidateSettings(repo, places, Budgets(*budgets), tuple(warnings))


def _write(file: Path, by: str, settings: ValidateSettings) -> None:
    """Keeps it, in a file that is complete before it has its name; nothing where none can be made."""
    text = json.dumps(settings)
    with suppress(OSError), replacing(file) as new, new.open("x", encoding="utf-8") as opened:
        opened.write(f"{_digest([by, text])}\n{text}")
