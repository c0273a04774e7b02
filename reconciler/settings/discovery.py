"""Which configuration file holds here, where the state lies by it, and which of its targets are meant."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.phrases import did_you_mean
from reconciler.settings.trust import require_trusted

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_NAME = "reconciler.toml"
STATE_DIR = ".reconciler"
"""Default of `state.dir`."""


def repository_top(cwd: Path) -> Path:
    """The top of the repository that `cwd` is in, or `cwd` itself."""
    return next((folder for folder in (cwd, *cwd.parents) if (folder / ".git").exists()), cwd)


def configuration_file(file: Path | None, cwd: Path) -> Path | None:
    """The file to read, or None where everything defaults.

    A file that is given must exist, and is taken as it is. Otherwise `reconciler.toml` is looked for in
    `cwd`, then at the top of the repository, and has to be one that can be trusted.

    Raises:
        ConfigurationError: the explicit file does not exist; or the one that was found is not to be trusted.
    """
    if file is not None:
        path = cwd / file
        if not path.is_file():
            if os.path.lexists(path):
                raise ConfigurationError(f"{file}: no such configuration file: this is no file")
            raise ConfigurationError(f"{file}: no such configuration file")
        return path
    folders = (cwd, repository_top(cwd))
    nearest = next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)
    if nearest is not None:
        require_trusted(nearest, repository_top(nearest.parent))
    return nearest


def state_url(base: Path, url: str | None, directory: Path) -> str:
    """SQLAlchemy URL of the state, absolute."""
    address = url or f"sqlite:///{directory / 'state.db'}"
    scheme, separator, path = address.partition(":///")
    return f"sqlite:///{base / path}" if scheme == "sqlite" and separator and path else address


def chosen(targets: Iterable[str], only: str | None) -> tuple[str, ...]:
    """The names of the targets to work on: all, or the one named. Raises ConfigurationError."""
    names = tuple(targets)
    if only is None:
        return names
    if only not in names:
        meant = did_you_mean(only, names) or f"; there is {', '.join(names)}"
        raise ConfigurationError(f"--target {only}: no such target{meant}")
    return (only,)
