"""Which configuration file holds here, where the state lies by it, and which of its targets are meant."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import ConfigurationError
from reconciler.phrases import no_such

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        raise ConfigurationError(f"--target {no_such('target', only, names)}")
    return (only,)


# --- whether a file that was found may be obeyed: it can name programs to run --------------------------
# The rule is git's own for the repositories that it finds by itself (`safe.directory` in git-config(1), and
# `ensure_valid_ownership` in git's `setup.c`): the folder belongs to whoever runs the program or to root, or
# the protected configuration (the system's, the user's and the environment's, never a repository's) names
# it. Beyond that, a file that everybody may write is never obeyed, and neither is one that somebody else put
# into a folder that is not named.

_ROOT = 0
_TIMEOUT = 10  # seconds for git to read its own configuration


def require_trusted(file: Path, top: Path) -> None:
    """Refuses a file that somebody else may have written for us.

    `top` is the repository that it lies in, which git would ask about; its folder where there is none.

    Raises:
        ConfigurationError: it is not to be trusted; the message says whose it is and what to do.
    """
    if file.stat().st_mode & stat.S_IWOTH:
        raise ConfigurationError(
            f"{file}: may be written by every user of this machine, and it can name programs to run: "
            f"`chmod o-w {file}`, or give it with --config if that is meant"
        )
    owners = _owners(file)
    strangers = sorted(owners - _trusted_users())
    if strangers and not _named_as_safe(top):
        raise ConfigurationError(
            f"{file}: it or its folder belongs to {_user(strangers[0])}, not to {_user(os.geteuid())} who "
            "runs this program, and it can name programs to run. If you trust it, give it with --config FILE "
            f"or RECONCILER_CONFIG, or trust the folder: `git config --global --add safe.directory {top}`"
        )


def _owners(file: Path) -> set[int]:
    """Who could have put this content there: owners of the file, of a link to it, and of their folders."""
    folders = {file.parent, file.resolve().parent}
    return {file.lstat().st_uid, file.stat().st_uid, *(folder.stat().st_uid for folder in folders)}


def _trusted_users() -> set[int]:
    """This user and root; for root itself, as with git, also whoever became root by sudo."""
    user = os.geteuid()
    by_sudo = os.environ.get("SUDO_UID", "") if user == _ROOT else ""
    return {user, _ROOT} | ({int(by_sudo)} if by_sudo.isascii() and by_sudo.isdigit() else set())


def _named_as_safe(folder: Path) -> bool:
    """Whether `safe.directory` names the folder: an empty value forgets the ones before it, `*` means all."""
    is_safe = False
    real = folder.resolve()
    for value in _safe_directories():
        if not value:
            is_safe = False
        elif _names(value, real):
            is_safe = True
    return is_safe


def _names(value: str, folder: Path) -> bool:
    """Whether one value means the folder: `*` is every one, `.` the current one, `DIR/*` all below it."""
    if value == "*":
        return True
    if not value.startswith("/") and value != ".":
        return False  # git ignores it as well
    if value.endswith("/*"):
        return Path(value[:-2]).resolve() in folder.parents
    return Path(value).resolve() == folder


def _safe_directories() -> Iterable[str]:
    """The values of git's protected configuration, in its order; none where git cannot be asked.

    Git is asked outside of any repository, whose own configuration does not count here.
    """
    import subprocess  # noqa: PLC0415 - slow to import, and needed only where somebody else owns the folder

    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_CONFIG")}
    command = ("git", "config", "--null", "--type=path", "--get-all", "safe.directory")
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            command,
            cwd="/",
            env=environment | {"GIT_CEILING_DIRECTORIES": "/", "GIT_DIR": os.devnull},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return (os.fsdecode(value) for value in done.stdout.split(b"\0")[:-1])


def _user(number: int) -> str:
    try:
        return f"{pwd.getpwuid(number).pw_name} (uid {number})"
    except KeyError:
        return f"uid {number}"
