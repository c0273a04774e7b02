"""Which configuration file holds here, and where the state lies by it; quick, for shell completion."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import ConfigurationError
from reconciler.settings.trust import require_trusted
from reconciler.toml_file import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "reconciler.toml"
STATE_DIR = ".reconciler"
"""Default of `state.dir`."""

_STATE = "RECONCILER_STATE__"


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
    file_found = next((folder / FILE_NAME for folder in folders if (folder / FILE_NAME).is_file()), None)
    if file_found is not None:
        require_trusted(file_found, repository_top(file_found.parent))
    return file_found


def state_url(base: Path, url: str | None, directory: Path) -> str:
    """SQLAlchemy URL of the state, absolute."""
    address = url or f"sqlite:///{directory / 'state.db'}"
    scheme, separator, path = address.partition(":///")
    return f"sqlite:///{base / path}" if scheme == "sqlite" and separator and path else address


def discovered_state_url(file: Path | None, cwd: Path) -> str:
    """The state's URL as far as file and environment say it plainly; nothing else of them is checked.

    Raises:
        ConfigurationError: as `configuration_file` and `read_toml` do.
    """
    settings_file = configuration_file(file, cwd)
    table = read_toml(settings_file).get("state", {}) if settings_file else {}
    base = settings_file.parent if settings_file else repository_top(cwd)
    url, directory = (_text(key, table) for key in ("url", "dir"))
    return state_url(base, url, Path(directory or STATE_DIR))


def _text(key: str, table: Any) -> str | None:  # noqa: ANN401 - whatever TOML holds
    """What the environment or else the table says at a key."""
    variables: Mapping[str, str] = {name.upper(): value for name, value in os.environ.items()}
    given = variables.get(f"{_STATE}{key.upper()}") or (table.get(key) if isinstance(table, dict) else None)
    return given if isinstance(given, str) else None
